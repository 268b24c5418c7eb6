//! Names in grants.
//!
//! | pattern | accepts |
//! |---|---|
//! | `media` | that name alone |
//! | `{name}` | the instance's own name |
//! | `{role}` | the text of that field of the instance's section, or its name when the field is absent |
//! | `{stack}-{name}` | the parts joined |
//!
//! There is no wildcard for objects: a `*` would let one instance reach another's. A pattern that stays without a value
//! refuses everything.

use crate::model::{
    NamePattern,
    value::{Address, Tree},
};

impl NamePattern {
    /// The one name that the pattern stands for, for this instance; none when a field it names holds something else
    /// than a plain string.
    pub fn fill(&self, stack: &str, instance: &Address, section: &Tree) -> Option<String> {
        let mut filled = String::new();
        let mut rest = self.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (field, tail) = after.split_once('}')?;
            filled.push_str(before);
            filled.push_str(match field {
                "name" => instance.name(),
                "stack" => stack,
                field => match section.get(field) {
                    Some(value) => value.as_str()?,
                    None => instance.name(),
                },
            });
            rest = tail;
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// The same for a path. A hole is one component, or a part of one: filled with nothing, `.`, `..` or a slash it
    /// would make another path than its pattern looks like, and then it stands for none.
    pub fn fill_path(&self, stack: &str, instance: &Address, section: &Tree) -> Option<String> {
        let path = self.fill(stack, instance, section)?;
        let one_component = path.split('/').count() == self.as_str().split('/').count()
            // `/srv/{file}` names one thing, and `/srv/` would be everything below.
            && path.ends_with('/') == self.as_str().ends_with('/');
        let plain = path.strip_suffix('/').unwrap_or(&path);
        (one_component && normal(plain).as_deref() == Some(plain)).then_some(path)
    }
}

/// An absolute path without `..`, doubled and trailing slashes and `.` taken out.
pub(crate) fn normal(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") {
        return None;
    }
    Some(format!("/{}", parts.join("/")))
}
