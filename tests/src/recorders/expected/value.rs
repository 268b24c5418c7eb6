//! Texts, trees and requests of a plan's JSON, with a gap for each secret.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::{Around, connections, list, secrets::Secrets};
use crate::recorders::{pattern::HOLE, request::canonical};

/// `[{"literal": "a"}, {"reference": …}]`
pub fn text(parts: &Value, secrets: &Secrets) -> Result<String> {
    let part = |part: &Value| match (part["literal"].as_str(), part.get("reference")) {
        (Some(literal), _) => Ok(literal.to_owned()),
        (None, Some(target)) => Ok(secrets.target(target)),
        (None, None) => bail!("a part of a text that is neither literal nor reference: {part}"),
    };
    parts.as_array().context("a text without parts")?.iter().map(part).collect()
}

/// A tree as the JSON that it is sent as.
pub fn tree(value: &Value, secrets: &Secrets) -> Result<Value> {
    let (kind, of) = value.as_object().and_then(|one| one.iter().next()).context("a tree without a kind")?;
    Ok(match kind.as_str() {
        "boolean" | "integer" | "float" => of.clone(),
        "text" => Value::from(text(of, secrets)?),
        "reference" => Value::from(secrets.target(of)),
        "items" => list(value, "/items").iter().map(|one| tree(one, secrets)).collect::<Result<_>>()?,
        "table" => {
            let entry = |one: &Value| {
                Ok((one[0].as_str().context("a key that is no text")?.to_owned(), tree(&one[1], secrets)?))
            };
            Value::Object(list(value, "/table").iter().map(entry).collect::<Result<Map<_, _>>>()?)
        }
        other => bail!("a tree of the kind {other}"),
    })
}

/// Whether a request can only look, wherever it is sent.
pub fn is_look(request: &Value) -> bool {
    let hands_over = |header: &Value| list(header, "/1").iter().any(|part| part.get("reference").is_some());
    request["method"] == "GET"
        && request["body"] == "none"
        && request["bearer"].is_null()
        && !list(request, "/headers").iter().any(hands_over)
}

/// A request as the recorder before its server tells it.
pub fn request(request: &Value, secrets: &Secrets) -> Result<String> {
    let (kind, of) = request["origin"].as_object().and_then(|one| one.iter().next()).context("a request to nowhere")?;
    let server = match kind.as_str() {
        "connection" => match connections::PROVIDERS.iter().any(|known| of == known) {
            true => "provider".to_owned(),
            false => bail!("no recorder stands before the connection {of}"),
        },
        "container" => {
            connections::is_engine(of)?;
            format!("{}:{}", of["name"].as_str().context("a container without a name")?, of["container_port"])
        }
        other => bail!("no recorder knows requests to a {other}"),
    };
    let method = request["method"].as_str().context("a request without a method")?;
    let mut headers = Vec::new();
    for header in list(request, "/headers") {
        let name = header[0].as_str().context("a header without a name")?.to_ascii_lowercase();
        headers.push(format!("{name}: {}", text(&header[1], secrets)?));
    }
    if !request["bearer"].is_null() {
        let token = request.pointer("/bearer/reference").map_or(HOLE.to_string(), |target| secrets.sent(target));
        headers.push(format!("authorization: Bearer {token}"));
    }
    headers.sort();
    let body = match (request.pointer("/body/form"), request.pointer("/body/json")) {
        (Some(form), _) => Some(fields(form, secrets)?),
        (None, Some(json)) => Some(canonical(&tree(json, secrets)?)),
        (None, None) => None,
    };
    let head = format!("{server}: {method} {}", text(&request["path"], secrets)?);
    Ok([head].into_iter().chain(headers).chain(body).collect::<Vec<_>>().join("\n"))
}

fn fields(form: &Value, secrets: &Secrets) -> Result<String> {
    let field = |one: &Value| {
        Ok(format!(
            "{}={}",
            encoded(one[0].as_str().context("a field without a name")?),
            encoded(&text(&one[1], secrets)?)
        ))
    };
    Ok(form.as_array().context("a form without fields")?.iter().map(field).collect::<Result<Vec<_>>>()?.join("&"))
}

/// As a form is sent; a gap stays one.
fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'*' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() || char::from(byte) == HOLE => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The body by which an engine is told of a container, from its definition.
pub fn container(definition: &Value, labels: [(&str, &str); 2], around: &Around<'_>) -> Result<String> {
    let need = |pointer: &str| {
        definition.pointer(pointer).cloned().with_context(|| format!("the definition says no {pointer}"))
    };
    let pair = |one: &Value| Ok(format!("{}={}", one[0].as_str().context("no name")?, text(&one[1], around.secrets)?));
    let env: Vec<String> = list(definition, "/env").iter().map(pair).collect::<Result<_>>()?;
    let mut all: Map<String, Value> =
        labels.map(|(key, value)| (key.to_owned(), Value::from(value))).into_iter().collect();
    for label in list(definition, "/labels") {
        all.insert(label[0].as_str().context("a label without a name")?.to_owned(), label[1].clone());
    }
    let (mut bindings, mut exposed) = (Map::new(), Map::new());
    for port in list(definition, "/ports") {
        let at = json!({
            "HostIp": port["host_address"].as_str().unwrap_or(around.publish),
            "HostPort": port["host"].to_string(),
        });
        let name = format!("{}/tcp", port["container"]);
        exposed.insert(name.clone(), json!({}));
        bindings.entry(name).or_insert_with(|| json!([])).as_array_mut().context("ports")?.push(at);
    }
    let mount = |one: &Value| json!({ "Type": "bind", "Source": one["source"], "Target": one["target"], "ReadOnly": one["read_only"] });
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let host = |one: &Value| Value::from(format!("{}:{}", word(one, "name"), word(one, "address")));
    let mut body = json!({
        "Image": need("/image_id")?,
        "Env": env,
        "Labels": all,
        "ExposedPorts": exposed,
        "HostConfig": {
            "Mounts": list(definition, "/mounts").iter().map(mount).collect::<Vec<_>>(),
            "PortBindings": bindings,
            "RestartPolicy": { "Name": need("/restart")? },
            "CapAdd": need("/add_capabilities")?,
            "CapDrop": need("/drop_capabilities")?,
            "ExtraHosts": list(definition, "/extra_hosts").iter().map(host).collect::<Vec<_>>(),
            "ReadonlyRootfs": need("/read_only_root")?,
            "Memory": definition["memory"].as_u64().unwrap_or(0),
            "NetworkMode": definition["network"].as_str().unwrap_or("bridge"),
        },
    });
    for (key, field) in [("Cmd", "command"), ("Entrypoint", "entrypoint"), ("User", "user")] {
        if !definition[field].is_null() {
            body[key] = definition[field].clone();
        }
    }
    Ok(canonical(&body))
}
