//! What the test guests share and what has nothing to do with WASI: queries, JSON strings, address
//! text.

/// The query parameters of a path such as `/sleep?ms=10&x=a%20b`.
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub fn of(path_with_query: &str) -> Query {
        let query = path_with_query
            .split_once('?')
            .map_or("", |(_, query)| query);
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
            .collect();
        Query { pairs }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|pair| pair.0 == name)
            .map(|pair| pair.1.as_str())
    }

    /// The number behind `name`, or `fallback` when it is missing or no number.
    pub fn number(&self, name: &str, fallback: u64) -> u64 {
        self.text(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(fallback)
    }
}

pub fn path_of(path_with_query: &str) -> &str {
    path_with_query.split('?').next().unwrap_or_default()
}

/// The name and the rest of `/at/NAME/rest?…`; any other path is addressed to nobody.
pub fn addressed(path_with_query: &str) -> (Option<&str>, &str) {
    let Some(name_and_rest) = path_with_query.strip_prefix("/at/") else {
        return (None, path_with_query);
    };
    match name_and_rest.find('/') {
        Some(end) => (Some(&name_and_rest[..end]), &name_and_rest[end..]),
        None => (Some(name_and_rest), "/"),
    }
}

pub fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

pub fn json_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if (control as u32) < 0x20 => {
                quoted.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `{"name":"value",…}` in the order given; names may repeat.
pub fn json_object<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let members: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{}:{}", json_string(name), json_string(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The name WIT gives an error, from the name Rust gives it: `ConnectionRefused(…)` is
/// `connection-refused`.
pub fn wit_name(error: &impl core::fmt::Debug) -> String {
    let debug = format!("{error:?}");
    // Some bindings put the type in front: `ErrorCode::DnsTimeout`.
    let full = debug.split(['(', ' ']).next().unwrap_or_default();
    let variant = full.rsplit("::").next().unwrap_or_default();
    let mut name = String::new();
    for (index, letter) in variant.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// A piece of a body of which every byte depends on its offset, so that a receiver can check it.
pub fn pattern(offset: u64, length: usize) -> Vec<u8> {
    (offset..offset + length as u64)
        .map(|index| b'a' + (index % 26) as u8)
        .collect()
}
