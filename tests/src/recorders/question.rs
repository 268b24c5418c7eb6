//! Which statements to PostgreSQL are questions: a closed set of shapes, and everything else is an effect.
//!
//! A question is one SELECT of relations of the catalogue named here, in which every call is of a function named here,
//! and every operator says that it is the catalogue's. This knows SQL's words, and nothing of who asks.

/// Relations that tell how a server is set up.
const RELATIONS: &[&str] = &[
    "pg_authid",
    "pg_class",
    "pg_database",
    "pg_depend",
    "pg_extension",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_namespace",
    "pg_roles",
    "pg_settings",
];
/// Functions that change nothing.
const FUNCTIONS: &[&str] = &["current_setting", "pg_conf_load_time", "pg_get_userbyid", "to_jsonb"];
/// What a parenthesis may follow beside them.
const WORDS: &[&str] = &["ALL", "AND", "ANY", "EXISTS", "FROM", "IN", "JOIN", "NOT", "OR", "WHERE"];
/// Words of statements that change something, lock rows, or hide one of these.
const FORBIDDEN: &[&str] =
    &["CALL", "COPY", "DELETE", "DO", "FOR", "INSERT", "INTO", "LOCK", "MERGE", "SET", "TRUNCATE", "UPDATE", "WITH"];
/// The one way to read a file: of a setting, and only of the settings named below.
const READS_A_FILE: &str = "SELECT path, pg_catalog.pg_read_binary_file(path, 0, 4194304, true) \
                            FROM (SELECT pg_catalog.current_setting($1::pg_catalog.text) AS path) AS setting";
const SETTINGS_WITH_FILES: &[&str] = &["$1 = 'hba_file'", "$1 = 'ident_file'"];

/// Whether it asks and does nothing else. `parameters` as the log shows them: `$1 = 'a'`.
pub fn is_question(statement: &str, parameters: &str) -> bool {
    if statement == READS_A_FILE {
        return SETTINGS_WITH_FILES.contains(&parameters);
    }
    let Some(tokens) = tokens(statement) else { return false };
    let begins = matches!(tokens.first(), Some(Token::Name(word)) if word == "SELECT");
    begins && (0..tokens.len()).all(|at| is_harmless(&tokens, at))
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A word or name, with all its parts: `pg_catalog.pg_roles`; quotes are left out.
    Name(String),
    /// A literal, a number or a parameter.
    Value,
    /// Anything else, a character each; `::` is one.
    Sign(char),
}

fn is_harmless(tokens: &[Token], at: usize) -> bool {
    let sign = |at: usize| match tokens.get(at) {
        Some(Token::Sign(sign)) => Some(*sign),
        _ => None,
    };
    let name = |at: usize| match tokens.get(at) {
        Some(Token::Name(name)) => Some(name.as_str()),
        _ => None,
    };
    match &tokens[at] {
        Token::Value => true,
        // Operators come as `OPERATOR(pg_catalog.=)` alone, which is one token.
        Token::Sign(sign) => matches!(sign, '(' | ')' | '[' | ']' | ',' | ':'),
        Token::Name(word) if word == "FROM" || word == "JOIN" => match (sign(at + 1), name(at + 1)) {
            (Some('('), _) => name(at + 2) == Some("SELECT"),
            (_, Some(relation)) => {
                // A list of relations would hide the second one.
                let alias = usize::from(name(at + 2) == Some("AS"));
                let listed = sign(at + 2) == Some(',') || (name(at + 2).is_some() && sign(at + 3 + alias) == Some(','));
                is_of(relation, RELATIONS) && !listed
            }
            _ => false,
        },
        Token::Name(word) if FORBIDDEN.contains(&word.to_uppercase().as_str()) => false,
        Token::Name(word) if sign(at + 1) == Some('(') => WORDS.contains(&word.as_str()) || is_of(word, FUNCTIONS),
        Token::Name(_) => true,
    }
}

fn is_of(name: &str, known: &[&str]) -> bool {
    name.strip_prefix("pg_catalog.").is_some_and(|name| known.contains(&name))
}

/// None where the text is not what these questions are written in: comments, other quotes, a second statement.
fn tokens(statement: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        if let Some(operator) = rest.strip_prefix("OPERATOR(pg_catalog.") {
            let (operator, after) = operator.split_once(')')?;
            if !operator.chars().all(|sign| "=<>!~".contains(sign)) {
                return None;
            }
            tokens.push(Token::Value);
            rest = after;
            continue;
        }
        let length = match first {
            ' ' | '\n' | '\t' => first.len_utf8(),
            '\'' => {
                tokens.push(Token::Value);
                rest[1..].find('\'')? + 2
            }
            '$' | '0'..='9' => {
                tokens.push(Token::Value);
                1 + rest[1..].find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len() - 1)
            }
            'a'..='z' | 'A'..='Z' | '_' | '"' => {
                let part = |sign: char| sign.is_ascii_alphanumeric() || "_.\"".contains(sign);
                let length = rest.find(|sign| !part(sign)).unwrap_or(rest.len());
                tokens.push(Token::Name(rest[..length].replace('"', "")));
                length
            }
            '(' | ')' | '[' | ']' | ',' => {
                tokens.push(Token::Sign(first));
                1
            }
            ':' if rest.starts_with("::pg_catalog.") => {
                tokens.push(Token::Sign(':'));
                2
            }
            _ => return None,
        };
        rest = &rest[length..];
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_the_catalogue_are_questions() {
        for question in [
            "SELECT 1",
            "SELECT rolsuper, rolcanlogin FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text",
            "SELECT \"setting\"::pg_catalog.text FROM pg_catalog.\"pg_settings\" ORDER BY 1, 2",
            "SELECT pg_catalog.to_jsonb(v)::pg_catalog.text FROM pg_catalog.pg_hba_file_rules AS v",
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE n.nspname OPERATOR(pg_catalog.<>) ALL (ARRAY['pg_catalog', 'x']) AND NOT EXISTS (SELECT 1 FROM \
             pg_catalog.pg_depend d WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass) LIMIT 1",
        ] {
            assert!(is_question(question, ""), "{question}");
        }
        assert!(is_question(READS_A_FILE, "$1 = 'hba_file'"));
    }

    #[test]
    fn everything_else_is_an_effect() {
        for effect in [
            "SELECT pg_catalog.pg_reload_conf()",
            "SELECT pg_catalog.pg_terminate_backend (1)",
            "SELECT f() FROM pg_catalog.pg_roles",
            "SELECT public.to_jsonb(v) FROM pg_catalog.pg_roles v",
            "SELECT 1 FROM users",
            "SELECT 1 FROM pg_catalog.pg_roles, users",
            "SELECT 1 FROM pg_catalog.pg_roles AS r, users",
            "SELECT 1 FROM pg_catalog.pg_roles r, users",
            "SELECT 1 FROM pg_catalog.pg_roles NATURAL JOIN users",
            "SELECT 1 INTO x",
            "SELECT 1 FROM pg_catalog.pg_roles FOR UPDATE",
            "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = 'a'",
            "SELECT 1; DROP ROLE a",
            "SELECT 1 -- DROP",
            "DROP ROLE a",
            "SET ROLE a",
            "WITH x AS (DELETE FROM y) SELECT 1",
            "TABLE pg_catalog.pg_roles",
        ] {
            assert!(!is_question(effect, ""), "{effect}");
        }
        assert!(!is_question(READS_A_FILE, "$1 = 'data_directory'"));
    }
}
