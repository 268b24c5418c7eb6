//! INI: sections of `key=value` lines.
//!
//! No standard says what a quote, a backslash, `%` or `;` means in a value: Python's configparser interpolates `%`, PHP
//! and others unquote, some cut at `;` or `#`. So values that any of the common readers would change are refused.

use ini::{EscapePolicy, Ini, WriteOption};

use super::{Refused, encode::scalar, filled::Filled};

const CHANGED_BY_READERS: &str = "\"'\\%$;`";

pub(super) fn to_string(document: &Filled) -> Result<String, Refused> {
    let Filled::Table(sections) = document else { return Ok(String::new()) };
    let mut file = Ini::new();
    for (section, entries) in sections {
        let path = [section.clone()];
        if section.is_empty() || section.chars().any(|c| c.is_control() || "[]".contains(c)) {
            return Err(Refused::new(&path, "no name of an INI section"));
        }
        let Filled::Table(entries) = entries else {
            return Err(Refused::new(&path, "an INI file is a table of tables of scalars"));
        };
        file.entry(Some(section.clone())).or_insert_with(Default::default);
        for (key, value) in entries {
            let path = [section.clone(), key.clone()];
            if key.is_empty() || key.trim() != key || key.starts_with(['#', ';', '[']) || key.contains(['=', ':', '\n'])
            {
                return Err(Refused::new(&path, "no key that INI can carry"));
            }
            let value = scalar(value).ok_or_else(|| Refused::new(&path, "INI holds scalars only"))?;
            check(&value).map_err(|problem| Refused::new(&path, problem))?;
            file.with_section(Some(section.clone())).set(key.clone(), value.as_str());
        }
    }
    let mut bytes = Vec::new();
    let options = WriteOption { escape_policy: EscapePolicy::Nothing, kv_separator: " = ", ..WriteOption::default() };
    file.write_to_opt(&mut bytes, options).map_err(|error| Refused::new(&[], error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Refused::new(&[], error.to_string()))
}

fn check(value: &str) -> Result<(), String> {
    if value.trim() != value {
        return Err("INI can't carry blanks at the start or end of a value".to_owned());
    }
    if value.chars().any(char::is_control) {
        return Err("INI can't carry line breaks and other control characters".to_owned());
    }
    // Within a word it starts no comment: `egg:waitress#main`.
    if value.starts_with('#') || value.contains(" #") || value.contains("\t#") {
        return Err("readers of INI files take what follows ` #` for a comment".to_owned());
    }
    match value.chars().any(|c| CHANGED_BY_READERS.contains(c)) {
        true => Err(format!("readers of INI files disagree on {CHANGED_BY_READERS} in a value: use one without")),
        false => Ok(()),
    }
}
