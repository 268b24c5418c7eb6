//! What the section asks for, and what is wrong with it.

use stackrun_plugin::{
    Section,
    files::Format,
    secrets::Generator,
    types::{Diagnostic, Instance},
};

/// The key of the section that is no secret's name.
pub const RENDER: &str = "render";

/// Generated ones below this many characters can be guessed.
const SHORT: u32 = 16;
/// Characters below which the host does not find it in messages, and makes no such secret.
const SHORTEST: u32 = 6;

/// One secret of the section.
pub struct Secret<'a> {
    pub name: String,
    pub source: Source,
    /// Where it stands, to speak about it.
    pub place: Section<'a>,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Generated { generator: Generator, length: u32 },
    File { path: String, key: Option<String> },
    ByHand { where_to_get_it: String },
}

/// A file with secrets in it.
pub struct Rendered<'a> {
    pub path: String,
    pub format: Format,
    pub mode: u32,
    pub owner: Option<String>,
    pub group: Option<String>,
    pub adopt: bool,
    pub place: Section<'a>,
}

/// The whole section.
pub struct Wish<'a> {
    pub secrets: Vec<Secret<'a>>,
    pub rendered: Vec<Rendered<'a>>,
    /// Warnings, and errors that leave a part out.
    pub problems: Vec<Diagnostic>,
}

impl<'a> Wish<'a> {
    pub fn of(instance: &'a Instance) -> Self {
        Self::read(&Section::of(instance))
    }

    pub fn read(section: &Section<'a>) -> Self {
        let mut wish = Self { secrets: Vec::new(), rendered: Vec::new(), problems: Vec::new() };
        for (name, place) in section.entries() {
            if name != RENDER {
                wish.secret(name, place);
            }
        }
        for place in section.items(RENDER) {
            wish.file(place);
        }
        wish
    }

    fn secret(&mut self, name: &str, place: Section<'a>) {
        if !is_name(name) {
            let help = "use letters, digits, `_` and `-`, and begin with a letter";
            self.problems.push(place.error(format!("`{name}` can't be the name of a secret")).help(help));
            return;
        }
        let source = if let Some(generator) = place.string("generate") {
            self.generated(&generator, &place)
        } else if place.at("file").is_present() {
            self.file_source(&place)
        } else {
            place.string("required").map(|where_to_get_it| Source::ByHand { where_to_get_it })
        };
        if let Some(source) = source {
            self.secrets.push(Secret { name: name.to_owned(), source, place });
        }
    }

    fn generated(&mut self, generator: &str, place: &Section<'a>) -> Option<Source> {
        let (generator, field, other, default) = match generator {
            "alphanumeric" => (Generator::Alphanumeric, "length", "bytes", 40),
            "hex" => (Generator::Hex, "bytes", "length", 32),
            "base64url" => (Generator::Base64url, "bytes", "length", 32),
            // The schema has said so already.
            _ => return None,
        };
        if place.at(other).is_present() {
            let message = format!("`{other}` says nothing here: this generator counts `{field}`");
            self.problems.push(place.at(other).error(message).help(format!("write {field} = {default}")));
        }
        let length = place.integer(field).and_then(|length| u32::try_from(length).ok()).unwrap_or(default);
        let characters = match generator {
            Generator::Alphanumeric => length,
            Generator::Hex => length.saturating_mul(2),
            Generator::Base64url => length.saturating_mul(4).div_ceil(3),
        };
        if characters < SHORTEST {
            let said = format!("with {length} {field} it is too short to be kept out of messages and logs");
            self.problems.push(place.at(field).error(said).help(format!("leave `{field}` out, which gives {default}")));
        } else if characters < SHORT {
            let warning = place.at(field).warning(format!("with {length} {field} it can be guessed"));
            self.problems.push(warning.help(format!("leave `{field}` out, which gives {default}")));
        }
        Some(Source::Generated { generator, length })
    }

    fn file_source(&mut self, place: &Section<'a>) -> Option<Source> {
        // Made of a folder of the host file, which `check` does not have, it is known only later.
        let path = place.string("file")?;
        self.absolute(&path, &place.at("file")).then(|| Source::File { path, key: place.string("key") })
    }

    fn file(&mut self, place: Section<'a>) {
        let mode = place.string_or("mode", "0600");
        let mode = u32::from_str_radix(&mode, 8).unwrap_or(0o600);
        if mode & 0o004 != 0 {
            let warning =
                place.at("mode").warning(format!("with mode {mode:04o} everybody on the machine can read it"));
            self.problems.push(warning.help("give the file to the user who needs it: owner = \"…\", mode = \"0600\""));
        }
        if mode & 0o022 != 0 {
            self.problems.push(place.at("mode").error(format!("with mode {mode:04o} others can write it")));
        }
        let format = match place.string_or("format", "env").as_str() {
            "toml" => Format::Toml,
            "yaml" => Format::Yaml,
            "json" => Format::Json,
            "ini" => Format::Ini,
            _ => Format::Env,
        };
        let Some(path) = place.string("path") else { return };
        if !self.absolute(&path, &place.at("path")) {
            return;
        }
        if self.rendered.iter().any(|other| other.path == path) {
            self.problems.push(place.at("path").error(format!("{path} is written twice")));
            return;
        }
        self.rendered.push(Rendered {
            path,
            format,
            mode,
            owner: place.string("owner"),
            group: place.string("group"),
            adopt: place.boolean("adopt").unwrap_or(false),
            place,
        });
    }

    fn absolute(&mut self, path: &str, place: &Section<'a>) -> bool {
        let fine = path.starts_with('/') && !path.ends_with('/') && !path.split('/').any(|part| part == "..");
        if !fine {
            let error = place.error(format!("`{path}` is no absolute path of a file"));
            self.problems.push(error.help("write all of it, from `/`, without `..`"));
        }
        fine
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use stackrun_plugin::{
        Value,
        types::{Document, Tree},
    };

    use super::*;

    fn read(entries: Vec<(&str, Value)>) -> (Vec<(String, Source)>, Vec<String>) {
        let tree = Tree::from(Value::table(entries));
        let wish = Wish::read(&Section::new(&tree, Document::Spec, Vec::new()));
        let secrets = wish.secrets.into_iter().map(|secret| (secret.name, secret.source)).collect();
        (secrets, wish.problems.into_iter().map(|problem| problem.message).collect())
    }

    fn one(fields: Vec<(&str, Value)>) -> (Vec<(String, Source)>, Vec<String>) {
        read(vec![("token", Value::table(fields))])
    }

    #[test]
    fn each_source_is_read() {
        let (secrets, problems) = read(vec![
            ("a", Value::table([("generate", Value::from("alphanumeric")), ("length", Value::from(24))])),
            ("b", Value::table([("generate", Value::from("hex"))])),
            ("c", Value::table([("file", Value::from("/run/agenix/c")), ("key", Value::from("C"))])),
            ("d", Value::table([("required", Value::from("ask the provider"))])),
        ]);
        assert_eq!(problems, [""; 0]);
        let sources: Vec<Source> = secrets.into_iter().map(|(_, source)| source).collect();
        assert_eq!(
            sources,
            [
                Source::Generated { generator: Generator::Alphanumeric, length: 24 },
                Source::Generated { generator: Generator::Hex, length: 32 },
                Source::File { path: "/run/agenix/c".into(), key: Some("C".into()) },
                Source::ByHand { where_to_get_it: "ask the provider".into() },
            ]
        );
    }

    #[test]
    fn what_can_be_guessed_gets_a_warning_and_what_says_nothing_an_error() {
        let (_, problems) = one(vec![("generate", Value::from("alphanumeric")), ("length", Value::from(8))]);
        assert_eq!(problems, ["with 8 length it can be guessed"]);
        let (_, problems) = one(vec![("generate", Value::from("hex")), ("length", Value::from(32))]);
        assert!(problems[0].starts_with("`length` says nothing here"), "{problems:?}");
    }

    #[test]
    fn names_and_paths_that_lead_elsewhere_are_refused() {
        for name in ["../x", "a.b", "1a", ""] {
            let (secrets, problems) = read(vec![(name, Value::table([("required", Value::from("x"))]))]);
            assert!(secrets.is_empty() && problems.len() == 1, "{name}");
        }
        for path in ["run/x", "/run/../etc/shadow", "/run/"] {
            assert_eq!(one(vec![("file", Value::from(path))]).1.len(), 1, "{path}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_gets_a_warning_and_one_they_can_write_an_error() {
        let file = |path: &str, mode: &str| {
            let fields = [("path", Value::from(path)), ("mode", Value::from(mode)), ("text", Value::from("x"))];
            Value::table(fields)
        };
        let (_, problems) =
            read(vec![("render", Value::items([file("/a", "0444"), file("/b", "0620"), file("/a", "0600")]))]);
        assert_eq!(
            problems,
            [
                "with mode 0444 everybody on the machine can read it",
                "with mode 0620 others can write it",
                "/a is written twice",
            ]
        );
    }
}
