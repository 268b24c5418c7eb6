//! A Podman of the tests' own: storage, network, locks and socket in a temporary folder, and one tiny image made of a
//! static busybox. Nothing of the machine's own Podman is touched. It ends with the last test that holds it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The image that all tests use.
pub const IMAGE: &str = "localhost/tiny:1";

/// A running engine.
pub struct Podman {
    folder: TempDir,
    bridge: String,
    service: Child,
}

static RUNNING: Mutex<Weak<Podman>> = Mutex::new(Weak::new());

/// The engine; started for the first test that asks.
pub fn podman() -> Arc<Podman> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(podman) = running.upgrade() {
        return podman;
    }
    let podman = Arc::new(Podman::start());
    *running = Arc::downgrade(&podman);
    podman
}

impl Podman {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bridge = configure(folder.path());
        import_image(folder.path());
        let socket = format!("unix://{}", folder.path().join("podman.sock").display());
        let log = fs::File::create(folder.path().join("service.log")).expect("a log");
        let mut service = command(folder.path());
        service.args(["system", "service", "--time=0", &socket]).stdout(Stdio::null()).stderr(log);
        let service = service.spawn().expect("podman's API service");
        let podman = Self { folder, bridge, service };
        let until = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(podman.socket()).is_err() {
            let log = fs::read_to_string(podman.folder.path().join("service.log")).unwrap_or_default();
            assert!(Instant::now() < until, "podman's API did not come up: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        podman
    }

    /// Its API socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("podman.sock")
    }

    /// A folder that containers may mount.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a `podman` command by hand, as a person at the terminal would.
    pub fn by_hand(&self, arguments: &[&str]) -> String {
        let output = command(self.folder.path()).args(arguments).output().expect("podman");
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "podman {arguments:?}: {complained}");
        said.trim_end().to_owned()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let remove = command(self.folder.path()).args(["rm", "--all", "--force", "--time", "0"]).output();
        let _ = self.service.kill();
        let _ = self.service.wait();
        let _ = Command::new("ip").args(["link", "delete", &self.bridge]).output();
        let overlay = self.folder.path().join("storage/overlay");
        let _ = Command::new("umount").arg(&overlay).output();
        assert!(remove.is_ok_and(|output| output.status.success()) || std::thread::panicking());
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("podman");
    command
        .env("CONTAINERS_CONF", folder.join("containers.conf"))
        .env("CONTAINERS_STORAGE_CONF", folder.join("storage.conf"));
    command
}

/// Writes the configuration; returns the name of the network and its bridge, which no other engine may share.
fn configure(folder: &Path) -> String {
    let (bridge, subnet) = free_network();
    for name in ["networks", "data"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    let at = |name: &str| folder.join(name).display().to_string();
    // No `static_dir`: the process that conmon starts after an exit looks below `graphroot`, and would not find the
    // container to start it again.
    let containers = format!(
        r#"[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
events_logfile_path = {:?}
lock_type = "file"
tmp_dir = {:?}
volume_path = {:?}
[network]
network_backend = "netavark"
network_config_dir = {:?}
default_network = {bridge:?}
"#,
        at("events.log"),
        at("tmp"),
        at("volumes"),
        at("networks")
    );
    let storage =
        format!("[storage]\ndriver = \"overlay\"\ngraphroot = {:?}\nrunroot = {:?}\n", at("storage"), at("run"));
    let network = serde_json::json!({
        "name": bridge, "id": format!("{:0>64x}", std::process::id()), "driver": "bridge",
        "network_interface": bridge, "created": "2026-01-01T00:00:00Z",
        "subnets": [{ "subnet": format!("{subnet}.0/24"), "gateway": format!("{subnet}.1") }],
        "ipv6_enabled": false, "internal": false, "dns_enabled": false, "ipam_options": { "driver": "host-local" },
    });
    fs::write(folder.join("containers.conf"), containers).expect("containers.conf");
    fs::write(folder.join("storage.conf"), storage).expect("storage.conf");
    fs::write(folder.join(format!("networks/{bridge}.json")), network.to_string()).expect("the network");
    bridge
}

fn free_network() -> (String, String) {
    let taken = |name: &String| Path::new("/sys/class/net").join(name).exists();
    (0..200u32)
        .map(|offset| 20 + (std::process::id() + offset) % 200)
        .map(|number| (format!("srtest{number}"), format!("10.214.{number}")))
        .find(|(bridge, _)| !taken(bridge))
        .expect("a network that nobody uses")
}

fn import_image(folder: &Path) {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    let busybox = busybox.expect("busybox-static, of the package of that name");
    let root = folder.join("root");
    for name in ["bin", "etc", "tmp", "www"] {
        fs::create_dir_all(root.join(name)).expect("the image's folders");
    }
    fs::copy(busybox, root.join("bin/busybox")).expect("busybox in the image");
    std::os::unix::fs::symlink("busybox", root.join("bin/sh")).expect("a shell in the image");
    fs::write(root.join("www/health"), "all well").expect("a page in the image");
    let tar = folder.join("root.tar");
    let packed = Command::new("tar").arg("-C").arg(&root).args(["-cf"]).arg(&tar).arg(".").status();
    assert!(packed.expect("tar").success());
    let imported = command(folder)
        .args([
            "import",
            "-c",
            r#"CMD ["/bin/busybox", "sleep", "1000"]"#,
            "-c",
            "ENV PATH=/bin",
            "-c",
            "ENV FROM=image",
        ])
        .arg(&tar)
        .arg(IMAGE)
        .output()
        .expect("podman import");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
}
