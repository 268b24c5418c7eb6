//! A Caddy with an admin socket, an authority and ports of its own, in a folder that goes away with it.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use stackrun_tests::setup::Tools;

pub struct Caddy {
    child: Child,
    folder: tempfile::TempDir,
    /// Another one, for sites without TLS.
    pub plain_port: u16,
    pub https_port: u16,
}

impl Caddy {
    /// Starts one that serves these sites; `PORT` stands for its port for https, `PORT2` for the one without TLS.
    pub fn start(sites: &str) -> Self {
        let tools = Tools::ensure(&mut |_| {}).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [http_port, https_port, plain_port] = free_ports();
        let at = folder.path().display();
        std::fs::create_dir(folder.path().join("sites")).unwrap();
        // `unix/` and an absolute path, which brings the second slash.
        let main = format!(
            "{{\n\tadmin unix/{at}/admin.sock\n\tpersist_config off\n\tstorage file_system {at}/data\n\t\
             http_port {http_port}\n\thttps_port {https_port}\n\tlocal_certs\n\tskip_install_trust\n\tgrace_period 1s\n}}\n\
             {}\nimport sites/*.caddy\n",
            sites.replace("PORT2", &plain_port.to_string()).replace("PORT", &https_port.to_string())
        );
        std::fs::write(folder.path().join("Caddyfile"), main).unwrap();
        let child = Command::new(tools.caddy())
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(folder.path().join("Caddyfile"))
            .current_dir("/") // a relative import is relative to its file, not to this
            .env("HOME", folder.path())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let caddy = Self { child, folder, plain_port, https_port };
        caddy.wait_for("its admin API", || caddy.path("admin.sock").exists());
        for host in hosts(sites) {
            // Until it has signed one, a handshake for the name fails.
            let certificate = caddy.path(&format!("data/certificates/local/{host}/{host}.crt"));
            caddy.wait_for(&format!("a certificate for {host}"), || certificate.is_file());
        }
        std::thread::sleep(Duration::from_millis(100)); // on disk a moment before it is in use
        caddy
    }

    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(30);
        while !is_there() {
            let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(Instant::now() < until, "Caddy does not bring {what}:\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn ca(&self) -> PathBuf {
        self.path("data/pki/authorities/local/root.crt")
    }

    /// Writes a site file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path("sites").join(name), text).unwrap();
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The host names of sites with TLS.
fn hosts(sites: &str) -> impl Iterator<Item = &str> {
    sites.lines().filter_map(|line| line.strip_suffix(" {")).filter(|name| name.ends_with(".test"))
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}
