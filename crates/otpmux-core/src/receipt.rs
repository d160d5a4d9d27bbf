use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use crate::{Blame, Delivery, VendorReference};

/// A vendor's request to otpmux that reports on messages (a delivery receipt, or webhook).
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "every server creates it from an HTTP request")]
pub struct ReceiptRequest<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The URL as the vendor called it: the public address, the path and the query. Some vendors
    /// sign it.
    pub url: &'a str,
    /// The headers, with names in lower case.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body, unchanged: signatures are over its bytes.
    pub body: &'a [u8],
    /// The time of the request.
    pub at: SystemTime,
}

impl<'a> ReceiptRequest<'a> {
    /// Returns the first header of this name, which is in lower case; `None` if it is not text.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(header, _)| *header == name);
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Returns the first query parameter of this name, decoded.
    pub fn query(&self, name: &str) -> Option<Cow<'a, str>> {
        let (_, query) = self.url.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key) == name).then(|| decoded(value))
        })
    }
}

impl fmt::Debug for ReceiptRequest<'_> {
    /// Receipts hold numbers, codes and secrets: only sizes are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReceiptRequest({}, {} bytes)", self.method, self.body.len())
    }
}

/// Decodes `%41` and `+`. An incomplete escape stays as it is.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &tail[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The content of one request of a vendor, and the answer that it expects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipts {
    /// The reports: none, one, or a batch.
    pub receipts: Vec<Receipt>,
    /// The body of the answer. The status of a request that was understood is always a success.
    pub answer: ReceiptAnswer,
}

impl Receipts {
    /// Returns reports that need no body in the answer.
    pub fn new(receipts: impl IntoIterator<Item = Receipt>) -> Self {
        Self { receipts: receipts.into_iter().collect(), answer: ReceiptAnswer::Empty }
    }

    /// Returns an answer to a request without reports, such as the test of an address.
    pub fn answering(text: impl Into<String>) -> Self {
        Self { receipts: Vec::new(), answer: ReceiptAnswer::Text(text.into()) }
    }
}

/// The body of the answer to a receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptAnswer {
    /// No body.
    #[default]
    Empty,
    /// This text.
    Text(String),
}

/// A vendor's report on one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The message.
    pub correlation: Correlation,
    /// The delivery state.
    pub delivery: Delivery,
    /// Whether the vendor will report no other state.
    pub is_final: bool,
    /// When the state began, by the vendor's clock.
    pub at: Option<SystemTime>,
    /// The cause, if the message did not arrive.
    pub failure: Option<ReceiptFailure>,
    /// The price of the message.
    pub price: Option<Price>,
    /// The recipient's mobile network.
    pub network: Option<Network>,
}

impl Receipt {
    /// Returns a report without details. `Delivered`, `Failed` and `Expired` are final.
    pub fn new(correlation: Correlation, delivery: Delivery) -> Self {
        let is_final =
            matches!(delivery, Delivery::Delivered | Delivery::Failed | Delivery::Expired);
        Self {
            correlation,
            delivery,
            is_final,
            at: None,
            failure: None,
            price: None,
            network: None,
        }
    }

    /// Sets when the state began.
    pub fn with_time(mut self, at: Option<SystemTime>) -> Self {
        self.at = at;
        self
    }

    /// Sets the cause of a failure. Pass a vendor's text through
    /// [`plain_words`](crate::plain_words) first.
    pub fn with_failure(mut self, blame: Blame, detail: impl Into<String>) -> Self {
        self.failure = Some(ReceiptFailure { blame, detail: detail.into() });
        self
    }
}

/// How a receipt names its message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Correlation {
    /// By the token of [`ReceiptTarget`], which the vendor returned.
    Token(String),
    /// By the reference that the vendor gave in its answer to the send.
    Reference(VendorReference),
}

impl fmt::Debug for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(•••)",
            Self::Reference(_) => "Reference(•••)",
        })
    }
}

/// The cause of a message that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiptFailure {
    /// The side that caused it.
    pub blame: Blame,
    /// The vendor's reason in plain words.
    pub detail: String,
}

/// The price of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Price {
    /// The amount as the vendor writes it: an exact decimal number, never a float.
    pub amount: String,
    /// The currency, such as `EUR`; `None` if the vendor counts credits.
    pub currency: Option<String>,
}

impl Price {
    /// Returns a price.
    pub fn new(amount: impl Into<String>, currency: Option<String>) -> Self {
        Self { amount: amount.into(), currency }
    }
}

/// A mobile network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Network {
    /// The country code of the network, three digits.
    pub mcc: String,
    /// The code of the operator, two or three digits.
    pub mnc: Option<String>,
}

impl Network {
    /// Returns a network.
    pub fn new(mcc: impl Into<String>, mnc: Option<String>) -> Self {
        Self { mcc: mcc.into(), mnc }
    }

    /// Reads the two codes as vendors join them: three digits, then those of the operator, if any.
    pub fn joined(text: &str) -> Option<Self> {
        let (mcc, mnc) = text.split_at_checked(3)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| Self::new(mcc, (!mnc.is_empty()).then(|| mnc.to_owned())))
    }
}

/// How far a provider's receipts can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReceiptTrust {
    /// The vendor signs what it reports.
    Signed,
    /// The address is secret, and the report itself is not protected.
    SecretInUrl,
}

/// Where the vendor must report on a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiptTarget {
    /// The address of this message: it ends in `?token=` and the token.
    pub url: String,
    /// The token: 39 characters of `0-9a-z`. It names the message to otpmux only.
    pub token: String,
}

impl ReceiptTarget {
    /// Returns the target of a message, for an address without a query.
    pub fn new(address: &str, token: impl Into<String>) -> Self {
        let token = token.into();
        Self { url: format!("{address}?token={token}"), token }
    }
}

impl fmt::Debug for ReceiptTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptTarget(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(url: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> ReceiptRequest<'a> {
        ReceiptRequest { method: "POST", url, headers, body: b"", at: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn query_parameters_are_decoded() {
        let url = "https://a.example/r?x=1&to%6ben=a%2Bb+c%zz%4&empty&token=2#f";
        let request = request(url, &[]);
        assert_eq!(request.query("x").as_deref(), Some("1"));
        assert_eq!(request.query("token").as_deref(), Some("a+b c%zz%4"), "the first one");
        assert_eq!(request.query("empty").as_deref(), Some(""));
        assert_eq!(request.query("f"), None);
    }

    #[test]
    fn a_header_that_is_no_text_is_absent() {
        let headers: [(&str, &[u8]); 2] = [("x-a", b"one"), ("x-b", b"\xff")];
        let request = request("https://a.example/", &headers);
        assert_eq!(request.header("x-a"), Some("one"));
        assert_eq!(request.header("x-b"), None);
        assert_eq!(request.query("x"), None);
    }

    #[test]
    fn joined_codes_of_a_network_are_digits() {
        assert_eq!(Network::joined("26201"), Some(Network::new("262", Some("01".to_owned()))));
        assert_eq!(Network::joined("262"), Some(Network::new("262", None)));
        for text in ["26", "", "2620x", "26 01"] {
            assert_eq!(Network::joined(text), None, "{text}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let target = ReceiptTarget::new("https://a.example/r", "secret");
        assert_eq!(target.url, "https://a.example/r?token=secret");
        let receipt = Receipt::new(Correlation::Token("secret".to_owned()), Delivery::Failed);
        assert!(receipt.is_final);
        assert!(!format!("{target:?} {receipt:?}").contains("secret"));
    }
}
