//! Text as HTML.

use std::fmt::Write as _;

pub(super) fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = page.write_fmt(text);
}

/// Escapes text as HTML; text between backticks becomes code.
pub(super) fn escape(text: &str) -> String {
    let escaped = plain(text);
    let mut html = String::with_capacity(escaped.len());
    for (at, part) in escaped.split('`').enumerate() {
        match at % 2 {
            1 => push(&mut html, format_args!("<code>{part}</code>")),
            _ => html.push_str(part),
        }
    }
    html
}

/// Escapes text as HTML, and keeps the backticks.
pub(super) fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escape("a <b> & \"c\" `d<e`"),
            "a &lt;b> &amp; &quot;c&quot; <code>d&lt;e</code>"
        );
        assert_eq!(plain("`<`"), "`&lt;`");
    }
}
