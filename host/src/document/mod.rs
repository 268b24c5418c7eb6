//! Files as text: the languages that the host encodes, and the blocks in shared files.
//!
//! Well-kept encoders write every value so that it arrives unchanged; what a language can't carry is refused with the
//! place in the document, never with the value. [`mask`] writes the same document for a reviewer, holes shown by name.

pub mod block;
mod encode;
pub mod env;
mod filled;
mod ini;
mod yaml;

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

pub use encode::{Refused, encode, encode_text};

use crate::model::{desired::Content, value::Target};

/// A file's content with its holes filled by `fill`, for its destination alone.
pub fn render<E: From<Refused>>(
    content: &Content,
    fill: &impl Fn(&Target) -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<Vec<u8>>, E> {
    match content {
        Content::Text(text) => Ok(Zeroizing::new(encode_text(text, fill)?.as_bytes().to_vec())),
        Content::Document { format, body } => encode(*format, body, fill),
    }
}

/// A file's content as a reviewer sees it: holes shown as `name` says.
pub fn mask(content: &Content, name: &impl Fn(&Target) -> String) -> Result<String, Refused> {
    let shown = render::<Refused>(content, &|target| Ok(Zeroizing::new(name(target))))?;
    Ok(String::from_utf8_lossy(&shown).into_owned())
}

/// A string as YAML, on one line where it has no line breaks.
pub(crate) fn yaml_string(value: &str) -> anyhow::Result<Zeroizing<String>> {
    let text = Zeroizing::new(yaml::to_string(&filled::Filled::Text(Zeroizing::new(value.to_owned())))?);
    Ok(Zeroizing::new(text.trim_end_matches('\n').to_owned()))
}

/// A string as it stands behind `KEY=` in an environment file.
pub(crate) fn env_value(value: &str) -> anyhow::Result<Zeroizing<String>> {
    env::value(value).map_err(anyhow::Error::msg)
}
