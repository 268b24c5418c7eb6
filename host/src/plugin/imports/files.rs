//! `files`: questions about files, what they should be, and steps that make them so.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::ask::Answer;
use crate::{
    capability::{
        Gate, Step,
        files::{
            DirectoryMake, DirectoryRemove, DirectoryRemoveIfEmpty, FileComparison, FileFacts, FileLook, FileMention,
            FileRead, FileRemove, FileRemoveBlock, grant::normal,
        },
    },
    model::desired::{Content, FileOwner, Format, Position, Region, WantedFile},
    plugin::{
        bindings::stackrun::plugin::{
            files as wit,
            types::{Text, Tree},
        },
        call::Call,
    },
    world::World,
};

impl wit::Host for Call {
    fn stat(&mut self, paths: Vec<String>) -> wasmtime::Result<Vec<Answer<Option<FileFacts>>>> {
        let looks = paths.into_iter().map(FileLook).collect();
        self.ask_each("files.stat", looks, Gate::file_look, World::file_stat)
    }

    fn entries(&mut self, directory: String) -> wasmtime::Result<Answer<Option<Vec<String>>>> {
        self.ask("files.entries", FileLook(directory), Gate::file_look, World::file_entries)
    }

    fn read(&mut self, path: String) -> wasmtime::Result<Answer<Option<Vec<u8>>>> {
        self.ask("files.read", FileRead(path), Gate::file_read, World::file_read)
    }

    fn mention(&mut self, paths: Vec<String>, what: String) -> wasmtime::Result<Vec<Answer<bool>>> {
        let mentions = paths.into_iter().map(|path| FileMention { path, what: what.clone() }).collect();
        let counted = self.meter.mention();
        self.or_fail(counted)?;
        let words = Arc::clone(&self.words);
        self.ask_each(
            "files.mention",
            mentions,
            |gate, mention| gate.file_mention(mention, &words),
            World::file_mentions,
        )
    }

    fn compare(&mut self, wanted: Vec<Resource<WantedFile>>) -> wasmtime::Result<Vec<Answer<FileComparison>>> {
        let wanted = wanted.iter().map(|wanted| self.get(wanted)).collect::<wasmtime::Result<_>>()?;
        self.ask_each("files.compare", wanted, Gate::file_write, World::file_compare)
    }

    fn write(&mut self, wanted: Resource<WantedFile>) -> wasmtime::Result<Resource<Step>> {
        let wanted = self.get(&wanted)?;
        self.step(Step::FileWrite(wanted))
    }

    fn remove(&mut self, path: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::FileRemove(FileRemove { path: plain(path) }))
    }

    fn remove_block(&mut self, path: String, comment: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::FileRemoveBlock(FileRemoveBlock { path: plain(path), comment }))
    }

    fn make_directory(
        &mut self,
        path: String,
        mode: u32,
        owner: Option<String>,
        group: Option<String>,
    ) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::DirectoryMake(DirectoryMake { path: plain(path), mode, owner, group }))
    }

    fn remove_directory_if_empty(&mut self, path: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::DirectoryRemoveIfEmpty(DirectoryRemoveIfEmpty { path: plain(path) }))
    }

    fn remove_directory(&mut self, path: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::DirectoryRemove(DirectoryRemove { path: plain(path) }))
    }
}

/// One way to write a path, so that it is compared as what it is; one that has none is refused by the gate.
fn plain(path: String) -> String {
    normal(&path).unwrap_or(path)
}

impl wit::HostContent for Call {
    fn text(&mut self, text: Text) -> wasmtime::Result<Resource<Content>> {
        let text = self.text(text)?;
        self.push(Content::Text(text))
    }

    fn document(&mut self, format: wit::Format, document: Tree) -> wasmtime::Result<Resource<Content>> {
        let format = match format {
            wit::Format::Toml => Format::Toml,
            wit::Format::Yaml => Format::Yaml,
            wit::Format::Json => Format::Json,
            wit::Format::Ini => Format::Ini,
            wit::Format::Env => Format::Env,
        };
        let body = self.tree(document)?;
        self.push(Content::Document { format, body })
    }

    fn drop(&mut self, content: Resource<Content>) -> wasmtime::Result<()> {
        self.dropped(content)
    }
}

/// What a file has unless the plugin says otherwise.
const PRIVATE: u32 = 0o600;

impl wit::HostWanted for Call {
    fn new(&mut self, path: String, content: Resource<Content>) -> wasmtime::Result<Resource<WantedFile>> {
        let content = self.get(&content)?;
        self.push(WantedFile {
            path,
            region: Region::Whole,
            content,
            mode: PRIVATE,
            owner: None,
            ignore_owner: false,
            adopts: None,
        })
    }

    fn set_block(
        &mut self,
        wanted: Resource<WantedFile>,
        comment: String,
        position: wit::Position,
    ) -> wasmtime::Result<()> {
        let position = match position {
            wit::Position::First => Position::First,
            wit::Position::Last => Position::Last,
        };
        self.edit(&wanted, |wanted| wanted.region = Region::Block { comment, position })
    }

    fn set_mode(&mut self, wanted: Resource<WantedFile>, mode: u32) -> wasmtime::Result<()> {
        self.edit(&wanted, |wanted| wanted.mode = mode)
    }

    fn set_owner(&mut self, wanted: Resource<WantedFile>, owner: String, group: String) -> wasmtime::Result<()> {
        self.edit(&wanted, |wanted| wanted.owner = Some(FileOwner { user: owner, group }))
    }

    fn ignore_owner(&mut self, wanted: Resource<WantedFile>) -> wasmtime::Result<()> {
        self.edit(&wanted, |wanted| wanted.ignore_owner = true)
    }

    fn drop(&mut self, wanted: Resource<WantedFile>) -> wasmtime::Result<()> {
        self.dropped(wanted)
    }
}
