//! Connections: how the things behind the host file's `[connection.NAME]` tables are reached. Each capability brings its
//! own clients, and the way to them ([`Connections::clients`]); they are made when they are first used, and shared for the
//! run.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::vault::Learned;
use crate::model::{ConnectionSettings, Failure, HostFile};

/// All clients of one run.
#[derive(Debug)]
pub struct Connections {
    host_file: Arc<HostFile>,
    learned: Arc<Learned>,
    clients: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Connections {
    /// Connects to nothing yet. Whatever credentials are read for connecting become known to `learned`, the vault's.
    pub fn new(host_file: Arc<HostFile>, learned: &Arc<Learned>) -> Arc<Self> {
        Arc::new(Self { host_file, learned: Arc::clone(learned), clients: Mutex::default() })
    }

    /// The clients of one kind, by their type: empty when they are first asked for.
    pub fn clients<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = clients.entry(TypeId::of::<T>()).or_insert_with(|| Arc::<T>::default());
        // The key is the type, so that the value is of it.
        Arc::clone(made).downcast().unwrap_or_default()
    }

    /// This machine's settings.
    pub fn host_file(&self) -> &HostFile {
        &self.host_file
    }

    /// Where credentials that a client reads become known, so that they are taken out of every message.
    pub fn learned(&self) -> &Arc<Learned> {
        &self.learned
    }

    /// The settings of a connection.
    pub fn settings(&self, name: &str) -> Result<&ConnectionSettings, Failure> {
        self.host_file.connections.get(name).ok_or_else(|| {
            let others: Vec<&str> = self.host_file.connections.keys().map(String::as_str).collect();
            Failure::Other(format!("the host file has no [connection.{name}]; it has: {}", others.join(", ")))
        })
    }
}
