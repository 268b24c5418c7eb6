use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    model::{
        Output,
        value::{Target, Text},
    },
    spec,
    test_support::front::{Front, front, host},
};

const HOST: &str = "[store]\nidentity = \"/i\"\nrecipients = [\"age1a\", \"age1b\"]\n\
                    [folders]\ndata = \"/srv/data\"\nmedia = { path = \"/srv/media\", access = \"mount\" }\n\
                    [connection.pg]\nkind = \"postgresql\"\nlogin_as = \"postgres\"\n[connection.caddy]\nkind = \"caddy\"\nsites = \"/s\"\n\
                    [connection.podman]\nkind = \"docker-api\"\nsocket = \"/run/podman.sock\"\n";

fn example() -> Front {
    front(include_str!("../../../examples/mediamanager.toml"), Some(&host(HOST)))
}

fn at<'t>(tree: &'t Tree, path: &str) -> &'t Tree {
    path.split('.').fold(tree, |tree, key| tree.get(key).unwrap_or_else(|| panic!("no {key} in {tree:?}")))
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn made(of: &str, name: &str) -> Tree {
    Tree::Reference(Target::Made(address(of), name.to_owned()))
}

#[test]
fn the_example_is_resolved_for_each_consumer() {
    let Front { graph, diagnostics, .. } = example();
    assert_eq!(diagnostics, []);
    let graph = graph.expect("a graph");
    let container = graph.section(&address("container.mediamanager")).expect("a section");
    let gateway = graph.section(&address("gateway.mediamanager")).expect("a section");
    assert_eq!(at(container, "config.database.host"), &Tree::literal("host.containers.internal"));
    assert_eq!(at(container, "config.database.port"), &Tree::Integer(5432), "a port stays a number");
    assert_eq!(at(container, "config.database.password"), &made("secret.mediamanager", "database_password"));
    assert_eq!(at(container, "config.auth.openid_connect.enabled"), &Tree::Boolean(true));
    assert_eq!(at(container, "config.misc.frontend_url"), &Tree::literal("https://mediamanager.arsfeld.one"));
    assert_eq!(at(gateway, "to"), &Tree::literal("localhost:16366"));
    let Tree::Items(volumes) = at(container, "volumes") else { panic!("volumes") };
    assert_eq!(volumes[0], Tree::literal("/srv/data/config:/app/config"));
}

#[test]
fn only_outputs_that_become_true_order_anything() {
    let graph = example().graph.expect("a graph");
    let container = address("container.mediamanager");
    let waits: BTreeMap<String, Vec<&str>> = graph
        .waits(&container)
        .map(|(first, keys)| (first.to_string(), keys.iter().map(String::as_str).collect()))
        .collect();
    let secrets = vec!["admin_password", "database_password", "oidc_client_secret", "token_secret"];
    assert_eq!(
        waits,
        BTreeMap::from([
            ("oidc.mediamanager".to_owned(), vec!["client"]),
            ("postgres.mediamanager".to_owned(), vec!["database"]),
            ("secret.mediamanager".to_owned(), secrets),
        ])
    );
    let gateway_first = (address("gateway.mediamanager"), container);
    assert!(!graph.edges().contains(&gateway_first), "a URL is known before the gateway serves it");
}

#[test]
fn consumers_are_those_whose_sections_refer_to_an_instance() {
    let graph = example().graph.expect("a graph");
    let names = |of: &str| graph.consumers(&address(of)).iter().map(Address::to_string).collect::<Vec<_>>();
    assert_eq!(names("postgres.mediamanager"), ["container.mediamanager"]);
    assert_eq!(names("gateway.mediamanager"), ["container.mediamanager", "oidc.mediamanager"]);
    assert_eq!(names("container.mediamanager"), ["gateway.mediamanager"]);
}

#[test]
fn makers_are_planned_first() {
    let graph = example().graph.expect("a graph");
    let mut schedule = Schedule::new(&graph);
    let at_once = schedule.next(true);
    assert!(at_once.contains(&address("secret.mediamanager")));
    assert!(at_once.contains(&address("gateway.mediamanager")), "its section holds nothing that is made");
    assert!(!at_once.contains(&address("container.mediamanager")));
    schedule.done(&address("gateway.mediamanager"));
    assert!(schedule.next(false).is_empty());
    schedule.done(&address("secret.mediamanager"));
    let then = schedule.next(false);
    assert!(then.contains(&address("container.mediamanager")), "it waits for nobody else");
    assert_eq!(at_once.len() + then.len(), graph.nodes.len());
    assert!(schedule.next(true).is_empty());
}

#[test]
fn a_field_that_is_one_reference_keeps_its_type_and_a_longer_text_takes_it_as_text() {
    let text = "[stack]\nname = \"a\"\n[postgres.a]\n[container.a]\nimage = \"x\"\nlisten_port = \"${postgres.port}\"\n\
                user = \"p${postgres.port}\"\nnetwork = \"$${postgres.port}\"\n";
    let graph = front(text, None).graph.expect("a graph");
    let section = graph.section(&address("container.a")).expect("a section");
    assert_eq!(at(section, "listen_port"), &Tree::Integer(5432));
    assert_eq!(at(section, "user"), &Tree::literal("p5432"));
    assert_eq!(at(section, "network"), &Tree::literal("${postgres.port}"));
}

#[test]
fn a_secret_within_a_text_stays_a_reference() {
    let text = "[stack]\nname = \"a\"\n[secret.a]\np = \"x\"\n[container.a]\nimage = \"x\"\nenvironment.URL = \"u:${secret.p}@h\"\n";
    let graph = front(text, None).graph.expect("a graph");
    let section = graph.section(&address("container.a")).expect("a section");
    let Tree::Text(text) = at(section, "environment.URL") else { panic!("a text") };
    assert_eq!(text.targets().collect::<Vec<_>>(), [&Target::Made(address("secret.a"), "p".to_owned())]);
}

#[test]
fn a_view_tells_what_may_be_known_of_references() {
    let Front { spec, catalog, contracts, offered, graph, .. } = example();
    let host_file = host(HOST);
    let views = Views { spec: &spec, catalog: &catalog, contracts: &contracts, host_file: Some(&host_file) };
    let graph = graph.expect("a graph");
    let instance = spec.instance(&address("postgres.mediamanager")).expect("an instance");
    let view = views.resolved(instance, &graph, &offered, &|_| true, Vec::new()).expect("a view");
    let (target, info) = &view.references[0];
    assert_eq!(target, &Target::Made(address("secret.mediamanager"), "database_password".to_owned()));
    assert_eq!(info.name, "secret.mediamanager.database_password");
    assert!(info.secret && info.available);
    assert_eq!(view.connections[0].name, "pg");
    assert_eq!(view.consumers[0].connections, ["podman"]);
    assert_eq!(view.contract.as_ref().and_then(|tree| tree.get("name")), Some(&Tree::literal("mediamanager")));
}

#[test]
fn of_a_contract_a_plugin_is_handed_what_it_said_that_it_reads() {
    let Front { spec, catalog, contracts, offered, graph, .. } = example();
    let (host_file, graph) = (host(HOST), graph.expect("a graph"));
    let views = Views { spec: &spec, catalog: &catalog, contracts: &contracts, host_file: Some(&host_file) };
    let instance = spec.instance(&address("oidc.mediamanager")).expect("an instance");
    let resolved = views.resolved(instance, &graph, &offered, &|_| true, Vec::new()).expect("a view");
    for view in [resolved, views.offline(instance).expect("a view")] {
        let Some(Tree::Table(entries)) = view.contract.as_deref() else { panic!("a contract") };
        assert_eq!(entries.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["oidc"]);
    }
}

#[test]
fn offline_a_view_has_stand_ins_for_connections_and_nothing_available() {
    let Front { spec, catalog, contracts, .. } = front(include_str!("../../../examples/mediamanager.toml"), None);
    let views = Views { spec: &spec, catalog: &catalog, contracts: &contracts, host_file: None };
    let container = spec.instance(&address("container.mediamanager")).expect("an instance");
    let view = views.offline(container).expect("a view");
    assert_eq!(view.connections[0].name, "docker-api");
    assert_eq!(view.connections[0].settings, Tree::Table(Vec::new()));
    assert!(view.references.iter().all(|(_, info)| !info.available));
    let names: Vec<&str> = view.references.iter().map(|(_, info)| info.name.as_str()).collect();
    assert!(names.contains(&"host.data") && names.contains(&"gateway.mediamanager.url"), "{names:?}");
}

#[test]
fn of_several_connections_one_has_to_be_named() {
    let two = format!("{HOST}[connection.pg2]\nkind = \"postgresql\"\nlogin_as = \"postgres\"\n");
    let host_file = host(&two);
    let pick = |section: &str| {
        let front = front(&format!("[stack]\nname = \"a\"\n[postgres.a]\n{section}"), None);
        let description = front.catalog.description("postgres").expect("a description");
        picked(&front.spec.instances[0], description, &host_file)
            .map(|picked| picked.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
            .map_err(|problems| problems[0].message.clone())
    };
    assert_eq!(pick("connection = \"pg2\"\n"), Ok(vec!["pg2".to_owned()]));
    assert_eq!(pick(""), Err("`postgres.a` could use several connections: `pg` and `pg2`".to_owned()));
    assert_eq!(pick("connection = \"pgg\"\n"), Err("the host file has no connection `pgg`".to_owned()));
    let kind = "the connection `caddy` is of the kind `caddy`, not `postgresql`";
    assert_eq!(pick("connection = \"caddy\"\n"), Err(kind.to_owned()));
}

/// A stack of `count` instances, each of which refers to the one before it.
fn chain(count: usize) -> Front {
    let mut text = "[stack]\nname = \"a\"\n[postgres.p0]\n".to_owned();
    for index in 1..count {
        text += &format!("[postgres.p{index}]\ndatabase = \"${{postgres.p{}.database}}\"\n", index - 1);
    }
    front(&text, None)
}

/// Counted, not timed: a time says what the machine was doing.
#[test]
fn the_work_grows_with_the_number_of_instances() {
    let work = |count| chain(count).graph.expect("a graph").work();
    let (one, ten) = (work(1_000), work(10_000));
    assert!(ten <= one * 11, "{one} for 1,000 instances and {ten} for 10,000");
}

#[test]
fn a_long_chain_is_resolved_to_its_end() {
    let graph = chain(5_000).graph.expect("a graph");
    assert_eq!(at(graph.section(&address("postgres.p4999")).expect("a section"), "database"), &Tree::literal("p0"));
}

#[test]
fn outputs_that_double_without_end_are_stopped() {
    let mut text = "[stack]\nname = \"a\"\n[postgres.p0]\n".to_owned();
    for index in 1..40 {
        let before = index - 1;
        text += &format!(
            "[postgres.p{index}]\ndatabase = \"${{postgres.p{before}.database}}${{postgres.p{before}.database}}\"\n"
        );
    }
    let told = front(&text, None).diagnostics;
    assert!(told.iter().any(|one| one.message.contains("grow beyond")), "{told:?}");
}

#[test]
fn a_digest_of_what_is_no_secret_is_an_error_and_of_a_secret_follows_it() {
    use crate::model::value::Form;
    let text = "[stack]\nname = \"a\"\n[postgres.a]\npassword = \"x\"\n[secret.a]\np = \"x\"\n[container.a]\nimage = \"${postgres.digest}\"\n";
    let mut parsed = front(text, None);
    let digest = |of: Target| Output {
        name: "digest".to_owned(),
        value: Tree::Reference(Target::Derived(Form::ScramSha256, Box::new(of))),
        true_after: Vec::new(),
    };
    let of = |of: &str, name: &str| Target::Output(address(of), name.to_owned());
    let mut graph = |target| {
        let outputs = &mut parsed.offered.get_mut(&address("postgres.a")).expect("an answer").outputs;
        outputs.retain(|output| output.name != "digest");
        outputs.push(digest(target));
        Graph::new(&parsed.spec, &parsed.catalog, &parsed.offered, None)
    };
    let good = graph(of("secret.a", "p")).expect("a graph");
    let made = Target::Made(address("secret.a"), "p".to_owned());
    let digest_of_secret = Tree::Reference(Target::Derived(Form::ScramSha256, Box::new(made)));
    assert_eq!(at(good.section(&address("container.a")).expect("a section"), "image"), &digest_of_secret);
    let bad = graph(of("postgres.a", "database")).expect_err("no graph");
    assert!(bad[0].message.contains("no secret"), "{bad:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever stands in a spec, the front end answers.
    #[test]
    fn nothing_in_a_spec_panics(
        values in proptest::collection::vec("(\\$\\{)?(postgres|gateway|oidc|secret|host|x)(\\.(a|b|\\*|url|host|database))?(\\.(url|host|\\*))?\\}?|\\PC{0,8}", 6)
    ) {
        let quoted: Vec<String> = values.iter().map(|value| toml::Value::String(value.clone()).to_string()).collect();
        let text = format!(
            "[stack]\nname = \"a\"\n[postgres.a]\ndatabase = {}\n[gateway.a]\ndomain = {}\nto = {}\n[oidc.b]\nclient_secret = {}\n\
             [container.a]\nimage = {}\ncontract = \"mediamanager\"\nconfig.database = {}\n",
            quoted[0], quoted[1], quoted[2], quoted[3], quoted[4], quoted[5]
        );
        crate::test_support::front::said(&text, None);
        crate::test_support::front::said(&text, Some(&host(HOST)));
    }

    /// An escaped string arrives as it was, whatever it holds.
    #[test]
    fn an_escaped_string_arrives_unchanged(value in "[${}.a]{0,10}|\\PC{0,20}") {
        let quoted = toml::Value::String(spec::escape(&value)).to_string();
        let text = format!("[stack]\nname = \"a\"\n[container.a]\nimage = {quoted}\n");
        let graph = front(&text, None).graph.expect("a graph");
        let section = graph.section(&address("container.a")).expect("a section");
        prop_assert_eq!(at(section, "image"), &Tree::Text(Text::literal(value)));
    }
}
