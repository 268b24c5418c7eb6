//! The lines of pg_hba.conf and pg_ident.conf, as the server reads them.

use super::client::hba_token;
use crate::model::desired::{Admission, HbaEntry, IdentEntry};

impl Admission {
    /// The lines of pg_hba.conf, each ended by a line break.
    pub fn hba_text(&self) -> String {
        self.hba.iter().map(HbaEntry::line).collect()
    }

    /// The lines of pg_ident.conf, each ended by a line break.
    pub fn ident_text(&self) -> String {
        let line = |IdentEntry { map, system_user, role }: &IdentEntry| {
            format!("{} {} {}\n", hba_token(map), hba_token(system_user), hba_token(role))
        };
        self.ident.iter().map(line).collect()
    }
}

impl HbaEntry {
    fn line(&self) -> String {
        let Self { database, role, network, method, map } = self;
        let (database, role) = (hba_token(database), hba_token(role));
        let map = map.as_deref().map(|map| format!(" map={}", hba_token(map))).unwrap_or_default();
        match network {
            Some(network) => format!("host {database} {role} {network} {method}{map}\n"),
            None => format!("local {database} {role} {method}{map}\n"),
        }
    }
}
