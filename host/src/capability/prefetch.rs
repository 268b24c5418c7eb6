//! Asking servers what somebody may want in this run: all kinds of inquiries, by their names.

use super::{
    containers::inquiries::{AllContainers, OneContainer, OneImage},
    http::inquiries::Page,
    sql::inquiries::{AccessFile, AccessView, Rows, Verifier},
};
use crate::world::{Asked, Connections, Inquiry, Memo, Servers};

/// Asks what the last plan of the same spec had to know. What fails here fails again, and is told, where it is wanted.
pub async fn ask_ahead(connections: &Connections, memo: &Memo, asked: &Asked) {
    let servers = Servers::ahead(connections, memo);
    match asked.name() {
        AllContainers::NAME => ask::<AllContainers>(servers, asked).await,
        OneContainer::NAME => ask::<OneContainer>(servers, asked).await,
        OneImage::NAME => ask::<OneImage>(servers, asked).await,
        Rows::NAME => ask::<Rows>(servers, asked).await,
        Verifier::NAME => ask::<Verifier>(servers, asked).await,
        AccessFile::NAME => ask::<AccessFile>(servers, asked).await,
        AccessView::NAME => ask::<AccessView>(servers, asked).await,
        Page::NAME => ask::<Page>(servers, asked).await,
        // Kept by another version.
        _ => {}
    }
}

async fn ask<Q: Inquiry>(servers: Servers<'_>, asked: &Asked) {
    if let Some(inquiry) = asked.inquiry::<Q>() {
        drop(servers.ask(&inquiry).await);
    }
}
