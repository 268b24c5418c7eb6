//! What `check` and `outputs` answer.

use std::collections::HashSet;

use super::words;
use crate::{
    diagnostic::{Diagnostic, Place, Segment, Severity},
    plugin::{
        InstanceView, Offered, Output,
        bindings::{exports::stackrun::plugin::guest as wit, stackrun::plugin::types},
        call::Call,
        fault::What,
    },
    secret::Making,
    value::{Target, Tree},
};

/// Messages, and the places in the user's files that they point to.
pub fn diagnostics(said: Vec<types::Diagnostic>, view: &InstanceView) -> Vec<Diagnostic> {
    said.into_iter().map(|said| diagnostic(said, view)).collect()
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
    let help = said.help.map(|help| words::lines(&help));
    Diagnostic { severity, place, message: words::lines(&said.message), help }
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
