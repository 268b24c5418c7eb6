//! Asks servers ahead: what the last plan of the same spec on the same machine had to know, while this one's plugins are
//! still being made ready. What nobody wants this time is thrown away, and not asked again.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Semaphore;

use super::{Machine, Read};
use crate::{
    cache::{Cache, Slot},
    capability::ask_ahead,
    world::{Asked, Connections, Memo},
};

/// What is asked at once: a stack with hundreds of containers shall not take its engine by storm.
const AT_ONCE: usize = 16;

/// What was asked ahead, and where that is kept.
pub(super) struct Ahead {
    cache: Cache,
    slot: Slot,
    asked: BTreeSet<Asked>,
}

impl Ahead {
    /// Begins to ask, in the background.
    pub fn begin(
        read: &Read,
        machine: Machine<'_>,
        cache: &Cache,
        connections: &Arc<Connections>,
        memo: &Memo,
    ) -> Self {
        let slot = read.slot("inquiries", machine, []);
        let asked: BTreeSet<Asked> = cache.recall(&slot).unwrap_or_default();
        let room = Arc::new(Semaphore::new(AT_ONCE));
        for inquiry in asked.clone() {
            let (connections, memo, room) = (Arc::clone(connections), memo.clone(), Arc::clone(&room));
            tokio::spawn(async move {
                let _place = room.acquire().await;
                ask_ahead(&connections, &memo, &inquiry).await;
            });
        }
        Self { cache: cache.clone(), slot, asked }
    }

    /// Keeps for the next plan what this one wanted.
    pub fn keep(&self, memo: &Memo) {
        let wanted = memo.wanted();
        if wanted != self.asked {
            self.cache.keep(&self.slot, &wanted);
        }
    }
}
