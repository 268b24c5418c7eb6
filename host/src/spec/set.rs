//! `--set ADDRESS.FIELD=VALUE`: values that stand in for some of the spec's own.

use toml::{Spanned, de::DeValue};

use super::{Spec, tree};
use crate::{
    diagnostic::closest,
    model::{
        Diagnostic, Place,
        value::{Address, Tree},
    },
};

/// Puts `VALUE` where `ADDRESS.FIELD` says. The value is TOML, or else the text itself; references in it are compiled
/// as in the spec.
pub(super) fn apply(spec: &mut Spec, setting: &str, diagnostics: &mut Vec<Diagnostic>) {
    let wrong = |message: String, help: &str| Diagnostic::error(Place::Nowhere, message).help(help);
    let Some((path, written)) = setting.split_once('=') else {
        let help = "write ADDRESS.FIELD=VALUE, for example --set gateway.app.domain=app.example.org";
        diagnostics.push(wrong(format!("--set {setting} gives no value"), help));
        return;
    };
    let Some((address, field)) = target(spec, path) else {
        let addresses: Vec<String> = spec.instances.iter().map(|instance| instance.address.to_string()).collect();
        let meant = path.split('.').take(2).collect::<Vec<_>>().join(".");
        let help = match closest(&meant, addresses.iter().map(String::as_str)) {
            Some(near) if near == meant => format!("write which field of it: {near}.FIELD=VALUE"),
            Some(near) => format!("did you mean {near}?"),
            None => "the spec has no such instance".to_owned(),
        };
        diagnostics.push(wrong(format!("--set {path} names no field of an instance"), &help));
        return;
    };
    let value = match DeValue::parse(written) {
        Ok(value) => value,
        Err(_) => Spanned::new(0..0, DeValue::String(written.into())),
    };
    let compiled = tree::compile_value(&value, &address, &spec.index, diagnostics);
    let instance = spec.index.position(&address).and_then(|position| spec.instances.get_mut(position));
    if let Some(instance) = instance {
        put(&mut instance.section, &field, compiled);
    }
}

/// The instance whose address the path begins with, and the rest of it. Names may have dots: the longest wins.
fn target(spec: &Spec, path: &str) -> Option<(Address, Vec<String>)> {
    let rest = |address: &Address| path.strip_prefix(&format!("{address}."));
    let found = spec.instances.iter().filter_map(|instance| Some((&instance.address, rest(&instance.address)?)));
    let (address, field) = found.min_by_key(|(_, rest)| rest.len())?;
    let parts: Vec<String> = field.split('.').map(str::to_owned).collect();
    (!parts.iter().any(String::is_empty)).then(|| (address.clone(), parts))
}

fn put(tree: &mut Tree, path: &[String], value: Tree) {
    let Some((first, rest)) = path.split_first() else {
        *tree = value;
        return;
    };
    if !matches!(tree, Tree::Table(_)) {
        *tree = Tree::Table(Vec::new());
    }
    let Tree::Table(entries) = tree else { return };
    let position = entries.iter().position(|(key, _)| key == first).unwrap_or_else(|| {
        entries.push((first.clone(), Tree::Table(Vec::new())));
        entries.len() - 1
    });
    put(&mut entries[position].1, rest, value);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spec::parse;

    fn with(settings: &[&str]) -> (Spec, Vec<Diagnostic>) {
        let text = "[stack]\nname = \"a\"\n[gateway.app]\ndomain = \"old\"\n[gateway.\"app.x\"]\n";
        let (mut spec, mut diagnostics) = parse(Path::new("a.toml"), text.into());
        settings.iter().for_each(|setting| apply(&mut spec, setting, &mut diagnostics));
        (spec, diagnostics)
    }

    #[test]
    fn a_value_is_toml_or_else_the_text_itself() {
        let (spec, diagnostics) =
            with(&["gateway.app.domain=a.example.org", "gateway.app.port=8000", "gateway.app.a.b=[1]"]);
        assert_eq!(diagnostics, []);
        let section = &spec.instances[0].section;
        assert_eq!(section.get("domain"), Some(&Tree::literal("a.example.org")));
        assert_eq!(section.get("port"), Some(&Tree::Integer(8000)));
        assert_eq!(section.get("a").and_then(|a| a.get("b")), Some(&Tree::Items(vec![Tree::Integer(1)])));
    }

    #[test]
    fn the_longest_address_is_meant() {
        let (spec, _) = with(&["gateway.app.x.domain=b"]);
        assert_eq!(spec.instances[1].section.get("domain"), Some(&Tree::literal("b")));
    }

    #[test]
    fn what_names_no_instance_or_no_value_is_an_error() {
        for bad in ["gateway.app.domain", "gatewy.app.domain=a", "gateway.app=a", "gateway.app.=a"] {
            assert_eq!(with(&[bad]).1.len(), 1, "{bad}");
        }
    }
}
