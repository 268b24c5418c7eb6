//! What `check` and `outputs` answer.

use std::collections::HashSet;

use super::words;
use crate::{
    model::{
        Diagnostic, InstanceView, Making, Offered, Output, Place, Segment, Severity,
        value::{Target, Tree},
    },
    plugin::{
        What,
        bindings::{exports::stackrun::plugin::guest as wit, stackrun::plugin::types},
        call::Call,
    },
};

/// Messages, and the places in the user's files that they point to.
pub fn diagnostics(mut said: Vec<types::Diagnostic>, view: &InstanceView) -> Vec<Diagnostic> {
    // Errors first: what is left out must never be what decides.
    said.sort_by_key(|said| !matches!(said.severity, types::Severity::Error));
    let left_out = said.len().saturating_sub(MOST_DIAGNOSTICS);
    let mut kept: Vec<Diagnostic> =
        said.into_iter().take(MOST_DIAGNOSTICS).map(|said| diagnostic(said, view)).collect();
    if left_out > 0 {
        let place = Place::Instance(view.address.clone(), Vec::new());
        kept.push(Diagnostic::warning(place, format!("its plugin says {left_out} more, which are left out")));
    }
    kept
}

/// More than any section can have wrong with it.
const MOST_DIAGNOSTICS: usize = 100;
/// Characters of a message or of its help.
const LONGEST_WORDS: usize = 4_000;

/// A plugin's words, cut to what a person reads.
fn bounded(words: &str) -> String {
    match words.char_indices().nth(LONGEST_WORDS) {
        None => words::lines(words),
        Some((end, _)) => {
            format!("{}… ({} characters more)", words::lines(&words[..end]), words[end..].chars().count())
        }
    }
}

fn diagnostic(said: types::Diagnostic, view: &InstanceView) -> Diagnostic {
    let path = said.path.into_iter().map(segment);
    let place = match said.document {
        types::Document::Spec => Place::Instance(view.address.clone(), path.collect()),
        types::Document::HostFile => {
            Place::HostFile(std::iter::once(Segment::Key("connection".into())).chain(path).collect())
        }
        types::Document::Contract => Place::Contract(contract_name(view), path.collect()),
    };
    let severity = match said.severity {
        types::Severity::Error => Severity::Error,
        types::Severity::Warning => Severity::Warning,
        types::Severity::Note => Severity::Note,
    };
    let help = said.help.map(|help| bounded(&help));
    Diagnostic { severity, place, message: bounded(&said.message), help }
}

fn segment(segment: types::Segment) -> Segment {
    match segment {
        types::Segment::Key(key) => Segment::Key(key),
        types::Segment::Index(index) => Segment::Index(usize::try_from(index).unwrap_or(usize::MAX)),
    }
}

fn contract_name(view: &InstanceView) -> String {
    let name = view.contract.as_ref().and_then(|contract| contract.get("name")).and_then(Tree::as_str);
    name.unwrap_or("contract").to_owned()
}

/// What an instance offers. The makings become targets first, because the outputs' values may refer to them.
pub fn offered(said: wit::Offered, view: &InstanceView, call: &mut Call) -> Result<Offered, What> {
    let most = call.meter.limits().actions;
    for (what, number) in [("makings", said.makes.len()), ("outputs", said.outputs.len())] {
        if number > most {
            return Err(What::TooMuch(format!("more than {most} {what}")));
        }
    }
    let makes = said.makes.into_iter().map(|making| call.take(making)).collect::<Result<Vec<Making>, _>>()?;
    once("making", makes.iter().map(Making::name))?;
    let target = |making: &Making| Target::Made(view.address.clone(), making.name().to_owned());
    call.references.declare(makes.iter().map(target).collect());
    let outputs = said.outputs.into_iter().map(|output| {
        let value = call.references.tree_from_wit(output.value)?;
        Ok(Output { name: output.name, value, true_after: output.true_after })
    });
    let outputs = outputs.collect::<Result<Vec<_>, What>>()?;
    once("output", outputs.iter().map(|output| output.name.as_str()))?;
    Ok(Offered { makes, outputs, diagnostics: diagnostics(said.diagnostics, view) })
}

/// No name twice.
pub fn once<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), What> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(What::Incoherent(format!("the {what} `{}` is there twice", words::line(name))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Address;

    fn view() -> InstanceView {
        InstanceView {
            address: Address::new("hostile", "app"),
            stack: "stack".into(),
            section: Tree::Table(Vec::new()),
            references: Vec::new(),
            makes: Vec::new(),
            connections: Vec::new(),
            contract: None,
            consumers: Vec::new(),
            owned: Vec::new(),
        }
    }

    fn said(severity: types::Severity, message: &str) -> types::Diagnostic {
        let document = types::Document::Spec;
        types::Diagnostic { severity, document, path: Vec::new(), message: message.into(), help: None }
    }

    #[test]
    fn a_flood_of_messages_is_cut_and_hides_no_error() {
        let mut flood: Vec<_> = (0..5_000).map(|_| said(types::Severity::Warning, "noise")).collect();
        flood.push(said(types::Severity::Error, &"x".repeat(1 << 20)));
        let kept = diagnostics(flood, &view());
        assert_eq!(kept.len(), MOST_DIAGNOSTICS + 1);
        let [first, .., last] = kept.as_slice() else { panic!("{}", kept.len()) };
        assert!(first.is_error(), "what decides comes first");
        assert!(first.message.chars().count() < LONGEST_WORDS + 50 && first.message.ends_with("characters more)"));
        assert_eq!(last.message, "its plugin says 4901 more, which are left out");
    }
}
