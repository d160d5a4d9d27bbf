use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The path of a mail that was handed over, for faults: they take effect after its final dot.
pub(crate) const SEND: &str = "/send";

/// A mail as its reader sees it: the subject, the plain text, and the HTML.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

impl Mail {
    /// Reads a mail (RFC 5322, 2045 to 2047). A part of an unknown form is shown as it is.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let whole = String::from_utf8_lossy(bytes);
        let (headers, body) = split(&whole);
        let mut mail = Self { subject: words(&header(&headers, "subject")), ..Self::default() };
        mail.add(&headers, body, 0);
        mail
    }

    /// Returns the code: the first group of 4 to 10 digits without a letter or digit beside it.
    pub(crate) fn code(&self) -> Option<String> {
        [&self.text, self.html.as_ref().unwrap_or(&self.subject), &self.subject]
            .into_iter()
            .flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()))
            .find(|word| {
                (4..=10).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
            })
            .map(str::to_owned)
    }

    fn add(&mut self, headers: &[(String, String)], body: &str, depth: u8) {
        let kind = header(headers, "content-type");
        let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if let Some(boundary) =
            parameter(&kind, "boundary").filter(|_| media.starts_with("multipart/"))
        {
            if depth < 4 {
                for part in parts(body, &boundary) {
                    let (headers, body) = split(part);
                    self.add(&headers, body, depth + 1);
                }
            }
            return;
        }
        let text = decoded(body, &header(headers, "content-transfer-encoding"));
        if media == "text/html" {
            self.html.get_or_insert(text);
        } else if self.text.is_empty() && (media.is_empty() || media == "text/plain") {
            self.text = text;
        }
    }
}

/// Splits headers from the body; long headers are unfolded.
fn split(text: &str) -> (Vec<(String, String)>, &str) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            break;
        }
        match (line.starts_with([' ', '\t']), headers.last_mut()) {
            (true, Some((_, value))) => value.extend([" ", line.trim()]),
            _ => {
                if let Some((name, value)) = line.split_once(':') {
                    headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
            }
        }
    }
    (headers, rest)
}

fn header(headers: &[(String, String)], name: &str) -> String {
    let found = headers.iter().find(|(given, _)| given == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|pair| {
        let (given, value) = pair.split_once('=')?;
        let is_it = given.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn parts<'a>(body: &'a str, boundary: &str) -> Vec<&'a str> {
    let delimiter = format!("--{boundary}");
    let mut parts: Vec<&str> = body.split(&delimiter).skip(1).collect();
    // After the last one, the delimiter has two more dashes.
    if let Some(end) = parts.iter().position(|part| part.starts_with("--")) {
        parts.truncate(end);
    }
    parts.into_iter().map(|part| part.trim_start_matches(['\r', '\n'])).collect()
}

fn decoded(body: &str, encoding: &str) -> String {
    let text = match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = body.split_whitespace().collect();
            BASE64.decode(packed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok()
        }
        "quoted-printable" => Some(quoted(body, false)),
        _ => None,
    };
    let text = text.unwrap_or_else(|| body.to_owned());
    text.replace("\r\n", "\n").trim_end().to_owned()
}

/// Decodes quoted-printable text, or the Q form of words in headers.
fn quoted(text: &str, is_word: bool) -> String {
    let text = text.replace("=\r\n", "").replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| str::from_utf8(pair).ok());
        let pair = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, pair) {
            (b'=', Some(value)) => {
                bytes.push(value);
                rest = &after[2..];
                continue;
            }
            (b'_', _) if is_word => bytes.push(b' '),
            _ => bytes.push(byte),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Decodes the encoded words of a header (`=?utf-8?B?...?=`).
fn words(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?") {
        let mut fields = after.splitn(3, '?');
        let (Some(_charset), Some(form), Some(tail)) =
            (fields.next(), fields.next(), fields.next())
        else {
            break;
        };
        let Some((word, after)) = tail.split_once("?=") else { break };
        let decoded = match form {
            "B" | "b" => BASE64
                .decode(word)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default(),
            _ => quoted(word, true),
        };
        // White space between two such words is not part of the text.
        if text.is_empty() || !before.trim().is_empty() {
            text.push_str(before);
        }
        text.push_str(&decoded);
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_mail() {
        let mail = Mail::parse(
            b"From: a@example.com\r\nSubject: Sign\r\n in\r\n\r\nYour code is 004217.\r\nBye\r\n",
        );
        assert_eq!(mail.subject, "Sign in");
        assert_eq!((&*mail.text, &mail.html), ("Your code is 004217.\nBye", &None));
        assert_eq!(mail.code().as_deref(), Some("004217"));
    }

    #[test]
    fn alternatives_in_each_encoding() {
        let mail = Mail::parse(
            b"Subject: =?utf-8?b?QsOkY2tlcmVp?= =?utf-8?Q?_caf=C3=A9?= x\r\n\
            Content-Type: multipart/alternative;\r\n boundary=\"x1\"\r\n\r\n\
            --x1\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nf=C3=BCr=\r\n dich: 1234\r\n\
            --x1\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            PGI+MTIz\r\nNDwvYj4=\r\n--x1--\r\n",
        );
        assert_eq!(mail.subject, "B\u{e4}ckerei caf\u{e9} x");
        assert_eq!(mail.text, "f\u{fc}r dich: 1234");
        assert_eq!(mail.html.as_deref(), Some("<b>1234</b>"));
        assert_eq!(mail.code().as_deref(), Some("1234"));
    }

    #[test]
    fn anything_is_some_mail() {
        for bytes in [
            &b""[..],
            b"\r\n",
            b"x",
            b"\xff\xfe",
            b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        ] {
            let _ = Mail::parse(bytes);
        }
        assert_eq!(Mail::parse(b"\r\nno code: abc123456, 123, 12345678901").code(), None);
    }
}
