//! How others write the characters of a secret: escapes of JSON, of HTML and of URLs, as the libraries that applications
//! and servers are made of write them.

/// A value in each of these spellings.
pub(crate) fn spellings(value: &str) -> Vec<String> {
    let unicode = |hex: fn(u16) -> String| {
        [
            // Python, Ruby and PHP: all but ASCII.
            json(value, |c| !c.is_ascii(), hex),
            // Go: what HTML would read, too.
            json(value, |c| "<>&\u{2028}\u{2029}".contains(c), hex),
            json(value, |c| !c.is_ascii() || "<>&\u{7f}".contains(c), hex),
            // .NET and PHP with its HEX options: quotes and more of ASCII.
            json(value, |c| !c.is_ascii() || "<>&'\"+`\u{7f}".contains(c), hex),
            // Every character.
            json(value, |_| true, hex),
        ]
    };
    let mut all: Vec<String> =
        [unicode(|unit| format!("\\u{unit:04x}")), unicode(|unit| format!("\\u{unit:04X}"))].concat();
    let slashed: Vec<String> = all.iter().map(|text| text.replace('/', "\\/")).collect();
    all.extend(slashed);
    all.extend(html(value));
    // RFC 3986's unreserved characters, those of `encodeURIComponent`, of a path's segment and of `encodeURI`.
    for kept in ["-._~", "-._~!'()*", "-._~$&+:=@", "-._~!$&'()*+,;=:@", "-._~;/?:@&=+$,#!'()*", ""] {
        all.push(percent(value, kept, |byte| format!("%{byte:02X}")));
        all.push(percent(value, kept, |byte| format!("%{byte:02x}")));
    }
    // Forms of a browser, with small digits.
    all.push(percent(value, "-._* ", |byte| format!("%{byte:02x}")).replace(' ', "+"));
    // Every byte.
    all.push(value.bytes().map(|byte| format!("%{byte:02X}")).collect());
    all.push(value.bytes().map(|byte| format!("%{byte:02x}")).collect());
    all
}

/// As the inside of a JSON string, with these characters by their number.
fn json(value: &str, by_number: impl Fn(char) -> bool, hex: fn(u16) -> String) -> String {
    let mut text = String::new();
    for character in value.chars() {
        match character {
            character if by_number(character) => {
                text.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| hex(*unit)));
            }
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            control if u32::from(control) < 0x20 => text.push_str(&hex(u32::from(control) as u16)),
            plain => text.push(plain),
        }
    }
    text
}

/// In HTML and XML: the usual names and numbers of the five characters, and all but letters and digits by number.
fn html(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for double in ["\"", "&quot;", "&#34;", "&#x22;"] {
        for single in ["'", "&#39;", "&#039;", "&apos;", "&#x27;"] {
            let text = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            all.push(text.replace('"', double).replace('\'', single));
        }
    }
    for hex in [false, true] {
        for by_number in [|c: char| !c.is_ascii_alphanumeric(), |c: char| !c.is_ascii(), |_: char| true] {
            let mut text = String::new();
            for character in value.chars() {
                let number = u32::from(character);
                text.push_str(&match (by_number(character), hex) {
                    (true, false) => format!("&#{number};"),
                    (true, true) => format!("&#x{number:x};"),
                    (false, _) => character.to_string(),
                });
            }
            all.push(text.replace("&#x", "&#X"));
            all.push(text);
        }
    }
    all
}

/// Percent-encodes all but letters, digits and these.
fn percent(value: &str, kept: &str, hex: fn(u8) -> String) -> String {
    let keeps = |byte: u8| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
    value.bytes().map(|byte| if keeps(byte) { char::from(byte).to_string() } else { hex(byte) }).collect()
}
