//! A runtime, an instance and a world with nothing in it, to call a guest with.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use stackrun::{
    capability::Gate,
    draft::Planned,
    model::{
        Diagnostic, Grants, HostFile, InstanceView, Offered, ReferenceInfo, StoreSettings,
        value::{Address, Target, Text, Tree, ValueType},
    },
    plugin::{Limits, Plugin, PluginFault, Recorder, Runtime},
    world::{Connections, Memo, State, World, vault::Vault},
};
use tempfile::TempDir;

/// Nobody has the key to it.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// All that a call needs. Limits are smaller than the real ones where that saves time.
pub struct Desk {
    pub directory: TempDir,
    pub runtime: Runtime,
    pub recorded: Arc<Recorded>,
    tokio: tokio::runtime::Runtime,
}

/// What crossed.
#[derive(Debug, Default)]
pub struct Recorded(Mutex<Vec<(String, Vec<u8>)>>);

impl Recorder for Recorded {
    fn crossed(&self, _plugin: &str, what: &str, text: &[u8]) {
        self.0.lock().unwrap().push((what.to_owned(), text.to_vec()));
    }
}

impl Recorded {
    /// Everything that crossed, a line each.
    pub fn all(&self) -> String {
        let all = self.0.lock().unwrap();
        all.iter().map(|(by, text)| format!("{by}: {}\n", String::from_utf8_lossy(text))).collect()
    }

    /// The strings that crossed by an import or export.
    pub fn by(&self, what: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(by, _)| by == what).map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect()
    }
}

impl Desk {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let recorded = Arc::new(Recorded::default());
        let limits = Limits { fuel: 20_000_000, ..Limits::default() };
        let runtime = Runtime::with(&directory.path().join("cache"), limits, Some(recorded.clone())).unwrap();
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { directory, runtime, recorded, tokio }
    }

    pub fn load(&self, component: &[u8]) -> Result<Plugin, PluginFault> {
        self.runtime.load("hostile", component)
    }

    pub fn check(&self, component: &[u8]) -> Result<Vec<Diagnostic>, PluginFault> {
        self.load(component).unwrap().check(&view())
    }

    pub fn outputs(&self, component: &[u8]) -> Result<Result<Offered, Vec<Diagnostic>>, PluginFault> {
        self.load(component).unwrap().outputs(&view())
    }

    /// Plans with nothing granted.
    pub fn plan(&self, component: &[u8]) -> Result<Result<Planned, Vec<Diagnostic>>, PluginFault> {
        self.plan_with(component, Grants::default(), self.world())
    }

    /// Plans with these grants, in a world of the caller's.
    pub fn plan_with(
        &self,
        component: &[u8],
        grants: Grants,
        world: Arc<World>,
    ) -> Result<Result<Planned, Vec<Diagnostic>>, PluginFault> {
        let gate = Arc::new(Gate::new("hostile", "stack", view().address, grants));
        let plugin = self.load(component).unwrap();
        let _inside = self.tokio.enter();
        plugin.plan(&view(), world, gate)
    }

    /// A world with nothing in it.
    pub fn world(&self) -> Arc<World> {
        let path = |name: &str| self.directory.path().join(name);
        let store =
            StoreSettings { path: path("store"), identities: Vec::new(), recipients: vec![RECIPIENT.to_owned()] };
        let host_file = Arc::new(HostFile {
            path: path("stackrun.toml"),
            store,
            state: path("state"),
            folders: BTreeMap::new(),
            connections: BTreeMap::new(),
            plugins: BTreeMap::new(),
        });
        let state = Arc::new(State::in_memory().unwrap());
        let vault = Vault::open(host_file.clone(), "stack", state.clone()).unwrap();
        let connections = Connections::new(host_file.clone(), vault.learned());
        Arc::new(World { host_file, connections, vault, state, memo: Memo::default() })
    }
}

/// An instance with one reference, and a literal that must arrive.
pub fn view() -> InstanceView {
    let password = Target::Made(Address::new("secret", "app"), "password".into());
    let info = ReferenceInfo {
        name: "secret.app.password".into(),
        secret: true,
        value_type: ValueType::Text,
        available: true,
    };
    InstanceView {
        address: Address::new("hostile", "app"),
        stack: "stack".into(),
        section: Tree::Table(vec![
            ("greeting".into(), Tree::Text(Text::literal("good day"))),
            ("password".into(), Tree::Reference(password.clone())),
        ]),
        references: vec![(password, info)],
        makes: Vec::new(),
        connections: Vec::new(),
        contract: None,
        consumers: Vec::new(),
        owned: Vec::new(),
    }
}
