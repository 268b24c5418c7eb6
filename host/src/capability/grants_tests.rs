//! The grammar of grants: what each line becomes, and what is refused.

use super::*;
use crate::test_support::front::host;

const HOST: &str = r#"
[store]
identity = "/i"
recipients = ["age1a", "age1b"]
[folders]
data = "/srv/data/"
films = { path = "/mnt/films", access = "mount" }
[connection.edge]
kind = "caddy"
sites = "/etc/caddy/sites/"
domains = ["a.org", "b.org"]
[connection.inner]
kind = "caddy"
sites = "/etc/inner"
[connection.idp]
kind = "oidc-registration"
issuer = "https://idp.example.org/realms/home/"
"#;

fn section() -> Tree {
    let entry = |path: &str| Tree::Table(vec![("file".into(), Tree::literal(path))]);
    let target = crate::model::value::Target::Output(Address::new("x", "y"), "z".into());
    Tree::Table(vec![
        ("role".into(), Tree::literal("films")),
        ("list".into(), Tree::Items(vec![Tree::literal("a"), Tree::Integer(3), Tree::literal("b")])),
        ("number".into(), Tree::Integer(3)),
        ("later".into(), Tree::Reference(target)),
        ("up".into(), Tree::literal("../etc")),
        ("star".into(), Tree::literal("*")),
        ("deep".into(), Tree::Table(vec![("one".into(), entry("/run/one")), ("two".into(), entry("/run//two"))])),
    ])
}

/// What a line of this field becomes for `unit.app`, which uses `edge` and `idp`.
fn filled(field: &str, kind: Option<&str>, line: &str) -> Vec<String> {
    let (capability, field, value) = match field.split_once('.').unwrap() {
        ("http", "connections.paths") => {
            ("http", "connections", format!("[{{ connection = \"idp\", methods = [\"GET\"], paths = [{line:?}] }}]"))
        }
        (capability, field) => (capability, field, format!("[{line:?}]")),
    };
    let table = kind.map(|kind| format!("connection.{kind}.")).unwrap_or_default();
    let grants: GrantLines = toml::from_str(&format!("{table}{capability}.{field} = {value}")).unwrap();
    assert_eq!(lines(&grants).iter().find_map(Line::problem), None, "{line}");
    let host_file = host(HOST);
    let connections = ["edge", "idp"].map(|name| &host_file.connections[name]);
    let (instance, spec) = (Address::new("unit", "app"), section());
    let filling = Filling {
        stack: "media",
        instance: &instance,
        section: &spec,
        connections: &connections,
        host_file: &host_file,
    };
    let value = serde_json::to_value(filling.fill([&grants])).unwrap();
    let found = match field {
        "connections" => value["http"]["connections"].as_array().unwrap().iter().map(|rule| &rule["paths"]).collect(),
        _ => vec![&value[capability][field]],
    };
    let items = found.into_iter().flat_map(|items| items.as_array().unwrap());
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_a_line_becomes() {
    let table: &[(&str, Option<&str>, &str, &[&str])] = &[
        ("sql.roles", None, "media", &["media"]),
        ("sql.roles", None, "{name}", &["app"]),
        ("sql.roles", None, "{stack}-{name}", &["media-app"]),
        ("sql.roles", None, "{section.role}", &["films"]),
        ("sql.roles", None, "{section.role|name}", &["films"]),
        ("sql.roles", None, "{section.none}", &[]),
        ("sql.roles", None, "x-{section.none}", &[]),
        ("sql.roles", None, "{section.none|name}", &["app"]),
        // Known only later, or no string: not the name, but nothing.
        ("sql.roles", None, "{section.later|name}", &[]),
        ("sql.roles", None, "{section.number|name}", &[]),
        ("sql.roles", None, "{section.list}_x", &["a_x", "b_x"]),
        ("sql.roles", None, "{section.list}{section.list}", &["aa", "ab", "ba", "bb"]),
        ("http.sites", None, "{connections.caddy}", &["edge", "inner"]),
        ("http.sites", None, "{connections.none}", &[]),
        ("http.sites", Some("caddy"), "{connection}", &["edge"]),
        ("sql.extensions", Some("caddy"), "{connection.domains}", &["a.org", "b.org"]),
        ("sql.extensions", Some("docker-api"), "{connection.network}", &[]),
        ("files.write", None, "{folders.write}/", &["/srv/data/"]),
        ("files.look", None, "{folders.all}/{name}", &["/srv/data/app", "/mnt/films/app"]),
        ("containers.mounts", None, "{folders.all}", &["/srv/data", "/mnt/films"]),
        ("files.write", Some("caddy"), "{connection.sites}/{section.role}.caddy", &["/etc/caddy/sites/films.caddy"]),
        ("files.write", Some("caddy"), "{connection.sites}/{section.up}.caddy", &[]),
        ("files.look", Some("caddy"), "{connection.caddyfile|parent}/", &["/etc/caddy/"]),
        ("files.read", None, "{section.deep.*.file}", &["/run/one", "/run/two"]),
        ("files.read", None, "{section.up}", &[]),
        ("files.read", None, "{section.role}/x", &[]),
        ("files.read", None, "/srv/{section.up}/", &[]),
        (
            "http.connections.paths",
            Some("oidc-registration"),
            "{connection.issuer|path}/.well-known/x",
            &["/realms/home/.well-known/x"],
        ),
        ("http.connections.paths", Some("oidc-registration"), "{connection.registration_path}/*", &["/reg/*"]),
        ("http.connections.paths", None, "/api/{section.role}", &["/api/films"]),
        ("http.connections.paths", None, "/api/{section.star}", &[]),
        ("http.connections.paths", None, "/api/{section.up}/x", &[]),
        ("http.connections.paths", None, "{section.star}", &[]),
    ];
    for (field, kind, line, wanted) in table {
        assert_eq!(filled(field, *kind, line), *wanted, "{field} = {line}");
    }
}

#[test]
fn a_rule_without_a_path_is_none() {
    let grants: GrantLines = toml::from_str(
        "http.connections = [{ connection = \"{connections.caddy}\", methods = [\"GET\"], paths = [\"/{section.no}\"] },\
         { connection = \"{connections.caddy}\", methods = [\"GET\"], paths = [\"/x\"] }]\n\
         services.verbs.\"{connections.caddy}\" = [\"reload\"]",
    )
    .unwrap();
    let host_file = host(HOST);
    let (instance, section) = (Address::new("unit", "app"), section());
    let filling =
        Filling { stack: "media", instance: &instance, section: &section, connections: &[], host_file: &host_file };
    let filled = filling.fill([&grants]);
    let rules: Vec<_> = filled.http.connections.iter().map(|rule| (rule.connection.as_str(), &*rule.paths)).collect();
    assert_eq!(rules, [("edge", &["/x".to_owned()][..]), ("inner", &["/x".to_owned()])]);
    assert_eq!(Vec::from_iter(filled.services.verbs.keys()), ["edge", "inner"]);
}

/// One line each: what stands in the file, and what is said of it.
#[test]
fn what_could_never_match_is_said() {
    for (grants, says) in [
        ("sql.roles = ['*']", "no wildcard"),
        ("sql.extensions = ['pg_*']", "no wildcard"),
        ("files.write = ['/srv/*']", "no wildcard"),
        ("containers.names = ['*']", "no wildcard"),
        ("services.verbs.edge = ['*']", "no wildcard"),
        ("services.verbs.'*' = ['reload']", "no wildcard"),
        ("http.sites = ['*']", "no wildcard"),
        ("sql.roles = ['{role}']", "there is no placeholder `{role}`"),
        ("sql.roles = ['{section}']", "there is no placeholder `{section}`"),
        ("sql.roles = ['{name.x}']", "there is no placeholder `{name.x}`"),
        ("sql.roles = ['{folders.read}']", "there is no placeholder"),
        ("services.verbs.'{conection}' = []", "there is no placeholder"),
        ("sql.roles = ['{section.role|upper}']", "there is no filter `|upper`"),
        ("sql.roles = ['{name']", "without its `}`"),
        ("sql.roles = ['name}']", "without its `{`"),
        ("sql.connections = ['{connection}']", "only in a table"),
        ("files.read = ['{connection.sites}/x']", "only in a table"),
        ("sql.roles = ['postgres']", "the server's own"),
        ("sql.relations = ['pg_authid']", "can't be read by plugins"),
        ("files.read = ['/srv/../etc']", "without `..`"),
        ("files.read = ['/srv/{name}/../x']", "without `..`"),
        ("files.write = ['srv/x']", "absolute"),
        ("files.write = ['srv/{name}']", "absolute"),
        ("containers.mounts = ['/srv/../etc']", "without `..`"),
        ("containers.networks = ['host']", "no plugin may join"),
        ("http.connections = [{ connection = 'a', methods = ['get'], paths = ['/'] }]", "there is no method `get`"),
        ("http.connections = [{ connection = 'a', methods = ['GET'], paths = ['/a/../b'] }]", "`.` or `..`"),
        ("http.connections = [{ connection = 'a', methods = ['GET'], paths = ['/a*b'] }]", "no wildcard"),
        ("http.connections = [{ connection = 'a', methods = ['GET'], paths = ['*'] }]", "start with `/`"),
    ] {
        let grants: GrantLines = toml::from_str(grants).unwrap_or_else(|why| panic!("{grants}: {why}"));
        let said: Vec<String> = lines(&grants).iter().filter_map(Line::problem).collect();
        assert_eq!(said.len(), 1, "{grants:?}: {said:?}");
        assert!(said[0].contains(says), "{said:?} does not say {says}");
    }
}
