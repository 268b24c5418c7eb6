use std::path::Path;

use super::*;
use crate::{
    diagnostic::{Sources, render},
    test_support::front::{front, said},
};

#[test]

fn the_shipped_contracts_are_good() {
    for (name, text) in SHIPPED {
        let mut diagnostics = Vec::new();
        let source = Source::new(name, text);
        let contract = parse(name, source.clone(), Some(&SCHEMA), &mut diagnostics);
        let sources = Sources { contracts: BTreeMap::from([(name.to_owned(), source)]), ..Sources::default() };
        assert!(contract.is_some(), "{}", render(&diagnostics, &sources, 100, false));
    }
    assert!(schema()["$defs"]["key"].is_object());
}

#[test]
fn what_is_wrong_with_a_contract_is_underlined_in_it() {
    let text = "name = \"x\"\ntitle = \"X\"\n[config]\nformat = \"xml\"\npath = \"/x\"\n[config.keys]\na = { type = \"strng\", requird = true }\n";
    let mut diagnostics = Vec::new();
    let source = Source::new("x.toml", text);
    assert!(parse("x", source.clone(), Some(&SCHEMA), &mut diagnostics).is_none());
    let sources = Sources { contracts: BTreeMap::from([("x".to_owned(), source)]), ..Sources::default() };
    insta::assert_snapshot!(render(&diagnostics, &sources, 100, false));
}

/// The second application: one table filled beside other keys of it, texts over outputs.
const KINTO: &str = "[stack]\nname = \"k\"\n[secret.kinto]\npassword = \"x\"\nhmac = \"x\"\n\
                     [postgres.kinto]\npassword = \"${secret.password}\"\n\
                     [container.kinto]\nimage = \"x\"\ncontract = \"kinto\"\n[container.kinto.config.kinto]\n";

#[test]
fn a_table_may_be_filled_beside_keys_that_are_written_out() {
    let text = format!(
        "{KINTO}\"*\" = \"${{postgres.*}}\"\nuserid_hmac_secret = \"${{secret.hmac}}\"\ncache_url = \"memory\"\n"
    );
    let front = front(&text, None);
    assert!(!front.diagnostics.iter().any(Diagnostic::is_error), "{:?}", front.diagnostics);
    let config = front.spec.instances[2].section.get("config").and_then(|config| config.get("kinto")).expect("a table");
    assert_eq!(config.get("cache_url"), Some(&Tree::literal("memory")), "what is written out wins");
    assert_eq!(config.get("*"), None);
    let Some(Tree::Text(url)) = config.get("storage_url") else { panic!("a text: {config:?}") };
    assert_eq!(url.targets().count(), 5);
}

#[test]
fn a_table_in_the_wrong_place_is_an_error() {
    let text = format!("{KINTO}storage = \"${{postgres.*}}\"\n");
    insta::assert_snapshot!(said(&text, None));
}

#[test]
fn a_contract_by_path_is_found_beside_the_spec() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("my.toml"), include_str!("../../../contracts/kinto.toml")).expect("written");
    let path = folder.path().join("app.toml");
    let text = "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\ncontract = \"./my.toml\"\n";
    let (spec, _) = crate::spec::parse(&path, text.into());
    let (contracts, diagnostics) = Contracts::load(&spec);
    assert_eq!(diagnostics, []);
    assert_eq!(contracts.of(&spec.instances[0].address).map(|contract| contract.facts.title.as_str()), Some("Kinto"));
    assert!(Contracts::load(&crate::spec::parse(Path::new("app.toml"), text.into()).0).1.len() == 1);
}
