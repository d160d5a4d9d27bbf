//! A request by which a vendor reports on a message.

use bytes::Bytes;
use jiff::Timestamp;

/// A request of a vendor to the application: a delivery receipt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Callback {
    /// When the vendor makes it.
    pub(crate) at: Timestamp,
    /// The whole URL, with `http`.
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The name of the header with the signature; `None` if the vendor does not sign.
    pub(crate) signature: Option<&'static str>,
    /// The pauses in seconds after which the vendor makes it again, if the answer is not 2xx.
    pub(crate) repeats: &'static [u64],
}

impl Callback {
    /// Returns a `POST` with this content type and body.
    pub(crate) fn new(at: Timestamp, url: &str, media: &str, body: impl Into<Bytes>) -> Self {
        Self {
            at,
            url: url.to_owned(),
            headers: vec![("content-type".to_owned(), media.to_owned())],
            body: body.into(),
            signature: None,
            repeats: &[],
        }
    }

    /// Adds the header with the signature.
    pub(crate) fn signed(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name.to_owned(), value));
        self.signature = Some(name);
        self
    }

    /// Sets the pauses after which it is made again, if the answer is not 2xx.
    pub(crate) fn repeated(mut self, pauses: &'static [u64]) -> Self {
        self.repeats = pauses;
        self
    }

    /// Returns the same request as another sender would forge it: with a signature of the right
    /// form that does not fit. Without a signature, a secret in the query is changed.
    pub(crate) fn forged(mut self) -> Self {
        match self.signature {
            Some(name) => {
                for (header, value) in &mut self.headers {
                    if header == name {
                        *value = changed(value);
                    }
                }
            }
            None if self.url.contains('?') => self.url = changed(&self.url),
            None => {}
        }
        self
    }
}

/// Returns the text with one character changed: not at the end, where base64 has unused bits.
fn changed(text: &str) -> String {
    let letters: Vec<usize> =
        text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
    let Some(at) = letters.get(letters.len().saturating_sub(4)).copied() else {
        return text.to_owned();
    };
    let other = if text[at..].starts_with('0') { "1" } else { "0" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgery_differs_in_its_proof_only() {
        let signed =
            Callback::new(Timestamp::UNIX_EPOCH, "http://a/r?token=abcd", "text/plain", "x")
                .signed("x-signature", "c2lnbmF0dXJlCg==".to_owned());
        let forged = signed.clone().forged();
        assert_eq!(forged.url, signed.url);
        assert_eq!(forged.headers[0], signed.headers[0]);
        assert_eq!(forged.headers[1].1, "c2lnbmF0dX0lCg==");
        let bare = Callback::new(Timestamp::UNIX_EPOCH, "http://a/r?token=abcd", "text/plain", "x");
        assert_eq!(bare.forged().url, "http://a/r?token=0bcd");
    }
}
