//! From a path into a document to the bytes that it leads to.
//!
//! Spans are not kept: a file is parsed again when, and only when, there is something to say about it.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::model::{Document, Place, Segment};

/// A file that messages point into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as the user gave it.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

/// The files of one run.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The spec.
    pub spec: Option<Source>,
    /// The host file.
    pub host_file: Option<Source>,
    /// Contracts by name.
    pub contracts: BTreeMap<String, Source>,
}

impl Source {
    /// A file and its content.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Line and column of a byte, both counted from 1; columns are characters.
    pub fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A file, parsed for looking up any number of places in it.
struct Parsed<'s> {
    source: &'s Source,
    document: Spanned<DeTable<'s>>,
}

impl<'s> Parsed<'s> {
    fn new(source: &'s Source) -> Self {
        Self { source, document: DeTable::parse_recoverable(&source.text).0 }
    }

    /// The bytes that a path leads to. Where it leads nowhere, the header of the nearest table that is there.
    fn span(&self, path: &[Segment]) -> Range<usize> {
        let (document, text) = (&self.document, &self.source.text);
        let root = document.span();
        let mut here = At { table: Some(document.get_ref()), list: None, value: root.start..root.start, key: None };
        for segment in path {
            match here.step(segment, text) {
                Step::To(next) => here = next,
                Step::Ends(span) => return span,
                Step::Missing => return here.header(),
            }
        }
        here.value
    }
}

/// A place on the way along a path.
struct At<'t, 'i> {
    table: Option<&'t DeTable<'i>>,
    list: Option<&'t [Spanned<DeValue<'i>>]>,
    value: Range<usize>,
    key: Option<Range<usize>>,
}

enum Step<'t, 'i> {
    To(At<'t, 'i>),
    Ends(Range<usize>),
    Missing,
}

impl<'t, 'i> At<'t, 'i> {
    fn new(value: &'t Spanned<DeValue<'i>>, key: Option<Range<usize>>) -> Self {
        Self {
            table: value.get_ref().as_table(),
            list: value.get_ref().as_array().map(|list| &list[..]),
            value: value.span(),
            key,
        }
    }

    fn step(&self, segment: &Segment, text: &str) -> Step<'t, 'i> {
        let member = |name: &str| self.table?.iter().find(|(key, _)| key.get_ref() == name);
        match segment {
            Segment::Key(name) => match member(name) {
                Some((key, value)) => Step::To(At::new(value, Some(key.span()))),
                None => Step::Missing,
            },
            Segment::Name { name } => match member(name) {
                Some((key, _)) => Step::Ends(key.span()),
                None => Step::Missing,
            },
            Segment::Index(index) => match self.list.and_then(|list| list.get(*index)) {
                Some(value) => Step::To(At::new(value, None)),
                None => Step::Missing,
            },
            Segment::Within { within } => match text[self.value.clone()].find(within.as_str()) {
                Some(at) => {
                    let start = self.value.start + at;
                    Step::Ends(start..start + within.len())
                }
                None => Step::Ends(self.value.clone()),
            },
        }
    }

    /// Of a table that is written inline, only its name: underlining all of it says nothing.
    fn header(&self) -> Range<usize> {
        match (&self.key, self.table) {
            (Some(key), Some(_)) if !self.value.contains(&key.start) => key.clone(),
            _ => self.value.clone(),
        }
    }
}

impl Sources {
    /// Parses the files, for looking up places.
    pub fn places(&self) -> Places<'_> {
        let contracts = self.contracts.iter().map(|(name, source)| (name.as_str(), Parsed::new(source))).collect();
        Places {
            spec: self.spec.as_ref().map(Parsed::new),
            host_file: self.host_file.as_ref().map(Parsed::new),
            contracts,
        }
    }
}

/// Finds places in the files of one run.
pub struct Places<'s> {
    spec: Option<Parsed<'s>>,
    host_file: Option<Parsed<'s>>,
    contracts: BTreeMap<&'s str, Parsed<'s>>,
}

impl<'s> Places<'s> {
    /// The file and the bytes that a place stands for; none for [`Place::Nowhere`] and files that were not read.
    pub fn locate(&self, place: &Place) -> Option<(&'s Source, Range<usize>)> {
        let (parsed, path) = match place {
            Place::Instance(address, path) => {
                let table = [address.kind(), address.name()].map(|key| Segment::Key(key.to_owned()));
                let full: Vec<Segment> = table.into_iter().chain(path.iter().cloned()).collect();
                let spec = self.spec.as_ref()?;
                return Some((spec.source, spec.span(&full)));
            }
            Place::Spec(path) => (self.spec.as_ref()?, path),
            Place::HostFile(path) => (self.host_file.as_ref()?, path),
            Place::Contract(name, path) => (self.contracts.get(name.as_str())?, path),
            Place::Bytes(document, start, end) => {
                let source = self.document(document)?.source;
                let end = (*end).min(source.text.len());
                return Some((source, (*start).min(end)..end));
            }
            Place::Nowhere => return None,
        };
        Some((parsed.source, parsed.span(path)))
    }

    fn document(&self, document: &Document) -> Option<&Parsed<'s>> {
        match document {
            Document::Spec => self.spec.as_ref(),
            Document::HostFile => self.host_file.as_ref(),
            Document::Contract(name) => self.contracts.get(name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{diagnostic::keys, value::Address};

    const SPEC: &str = "[stack]\nname = \"m\"\n\n[gateway.m]\ndomain = \"a${b.c}\"\nhosts = [1, 2]\ntls = { a = 1 }\n";

    fn underlined(place: Place) -> &'static str {
        let sources = Sources { spec: Some(Source::new("m.toml", SPEC)), ..Sources::default() };
        let (_, span) = sources.places().locate(&place).expect("the spec is there");
        &SPEC[span]
    }

    fn instance(path: Vec<Segment>) -> Place {
        Place::Instance(Address::new("gateway", "m"), path)
    }

    #[test]
    fn a_path_leads_to_the_value() {
        assert_eq!(underlined(instance(keys(["domain"]))), "\"a${b.c}\"");
        assert_eq!(underlined(instance(vec![Segment::Key("hosts".into()), Segment::Index(1)])), "2");
        assert_eq!(underlined(instance(vec![])), "[gateway.m]");
        assert_eq!(underlined(Place::Spec(keys(["stack", "name"]))), "\"m\"");
    }

    #[test]
    fn a_name_and_a_piece_of_a_string_can_be_meant() {
        assert_eq!(underlined(instance(vec![Segment::Name { name: "hosts".into() }])), "hosts");
        let piece = Segment::Within { within: "${b.c}".into() };
        assert_eq!(underlined(instance(vec![Segment::Key("domain".into()), piece])), "${b.c}");
    }

    #[test]
    fn a_path_that_leads_nowhere_underlines_the_nearest_header() {
        assert_eq!(underlined(instance(keys(["to"]))), "[gateway.m]");
        assert_eq!(underlined(instance(keys(["tls", "b"]))), "tls");
        assert_eq!(underlined(Place::Spec(keys(["oidc", "m"]))), "");
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let source = Source::new("m.toml", "a\nbä = 1");
        assert_eq!(source.line_and_column(0), (1, 1));
        assert_eq!(source.line_and_column(6), (2, 4));
        assert_eq!(source.line_and_column(99), (2, 7));
    }
}
