//! A container's definition as the reviewer sees it, against the container that it replaces.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use crate::{
    capability::{
        Acting, PreviewLine, Sign,
        containers::{
            client::{Engine, ImageFacts, Inspect, Seen},
            env_place,
        },
    },
    model::{Failure, desired::Definition, value::Text},
    words,
};

/// The definition, line by line; where a container has its lasting name, as the difference to that one.
pub(crate) async fn difference(connection: &str, wanted: &Definition, acting: &Acting<'_>) -> Vec<PreviewLine> {
    let (shown, failure) = match look(connection, wanted, acting).await {
        Ok((before, after)) => (diff(&before, &after), None),
        // What is there can't be told; what is wanted can.
        Err(failure) => match acting.world.connections.engine(connection) {
            Ok(engine) => (diff(&[], &after(wanted, None, &engine, acting)), Some(failure)),
            Err(unknown) => (Vec::new(), Some(unknown)),
        },
    };
    let unseen = failure.map(|failure| {
        let why = format!("(what is there can't be shown: {})", acting.world.vault.redact(&failure.to_string()));
        PreviewLine { sign: Sign::Same, text: words::printable(&why) }
    });
    unseen.into_iter().chain(shown).collect()
}

async fn look(
    connection: &str,
    wanted: &Definition,
    acting: &Acting<'_>,
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let engine = acting.world.connections.engine(connection)?;
    let (image, found) = tokio::join!(engine.image(&wanted.image), engine.inspect(wanted.lasting_name()));
    let image = image?;
    let after = after(wanted, image.as_ref(), &engine, acting);
    let before = match found? {
        None => Vec::new(),
        Some(container) => before(&container, wanted, image.as_ref(), &engine, acting).await?,
    };
    Ok((before, after))
}

fn after(wanted: &Definition, image: Option<&ImageFacts>, engine: &Engine, acting: &Acting<'_>) -> Vec<String> {
    let seen = Seen::wanted(wanted, image, engine);
    let env = wanted.env.iter().map(|(key, value)| (key.clone(), shown(value, acting))).collect();
    let mut lines = lines(&seen, &wanted.image, env);
    // What the container is created by stands in the step, whatever the name stands for by now.
    if let (Some(id), Some(image)) = (&wanted.image_id, lines.iter_mut().find(|line| line.starts_with("image "))) {
        *image = format!("image {} ({})", words::printable(&wanted.image), words::printable(id));
    }
    lines
}

/// With the values of holes that are no secrets.
fn shown(text: &Text, acting: &Acting<'_>) -> String {
    words::text(&text.with_known(&|target| acting.world.vault.plain_marker(target)))
}

async fn before(
    container: &Inspect,
    wanted: &Definition,
    image: Option<&ImageFacts>,
    engine: &Engine,
    acting: &Acting<'_>,
) -> Result<Vec<String>, Failure> {
    let mut seen = acting.world.container_seen(engine, wanted, container, image).await?;
    // Only labels that somebody asked for: the image's own say nothing.
    seen.labels.retain(|label, _| wanted.labels.iter().any(|(wanted, _)| wanted == label));
    let brought = Seen::wanted(wanted, image, engine).env;
    let mut env = BTreeMap::new();
    for (key, value) in &seen.env {
        let text = wanted.env.iter().find(|(wanted, _)| wanted == key).map(|(_, text)| text);
        let shown = match text {
            None if brought.get(key) == Some(value) => continue,
            // Nobody knows whether it is a secret.
            None => "(not shown)".to_owned(),
            Some(text) if text.as_literal().is_some() => words::printable(&acting.world.vault.redact(value)),
            Some(text) => {
                let place = env_place(engine.name(), wanted.lasting_name(), key);
                let same = acting.world.env_holds(&place, text, value)?;
                if same { shown(text, acting) } else { "(another value, not shown)".to_owned() }
            }
        };
        env.insert(key.clone(), shown);
    }
    Ok(lines(&seen, &container.config.image, env))
}

fn lines(seen: &Seen, image: &str, env: BTreeMap<String, String>) -> Vec<String> {
    let mut lines = Vec::new();
    for (field, values) in &seen.fields {
        for value in values {
            lines.push(match *field {
                "image" => format!("image {} (sha256:{value})", words::printable(image)),
                field => format!("{field} {}", words::printable(value)),
            });
        }
        if *field == "image" && values.is_empty() {
            lines.push(format!("image {} (not there)", words::printable(image)));
        }
    }
    lines.extend(seen.labels.iter().map(|(label, value)| words::printable(&format!("label {label}={value}"))));
    lines.extend(env.iter().map(|(key, value)| format!("env {}={value}", words::printable(key))));
    lines
}

fn diff(before: &[String], after: &[String]) -> Vec<PreviewLine> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&before, &after);
    let line = |change: similar::Change<&str>| PreviewLine {
        sign: match change.tag() {
            ChangeTag::Equal => Sign::Same,
            ChangeTag::Insert => Sign::Added,
            ChangeTag::Delete => Sign::Removed,
        },
        text: change.value().to_owned(),
    };
    diff.iter_all_changes().map(line).collect()
}
