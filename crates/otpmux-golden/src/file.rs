use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One golden file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Golden {
    /// Where it is known from. Begins with the grade of evidence in brackets.
    pub source: String,
    /// Whether the vendor documents the answer literally.
    pub documented: bool,
    /// The request.
    pub request: Request,
    /// The answer.
    pub response: Response,
    /// The calls that lead to this request, and what the answer means to each.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// The sides that do not use the file, and why.
    #[serde(default)]
    pub not_for: NotFor,
}

/// The request of a golden file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path with the vendor's base path, and the query.
    pub path: String,
    /// The headers that matter.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; the fields of a form, if the `Content-Type` is a form's; text for any other
    /// body, and where the exact bytes matter; `null` for none.
    pub body: Value,
}

impl Request {
    /// Returns whether the body has the content type of a form.
    pub fn is_form(&self) -> bool {
        let form = |(name, value): (&String, &String)| {
            name.eq_ignore_ascii_case("content-type")
                && value.starts_with("application/x-www-form-urlencoded")
        };
        self.headers.iter().any(form)
    }
}

/// The answer of a golden file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers that matter.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; text for a body that is not JSON; `null` for none.
    pub body: Value,
}

impl Response {
    /// The body as it goes over the wire.
    pub fn text(&self) -> String {
        match &self.body {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            json => json.to_string(),
        }
    }
}

/// The sides that leave a file out, with the reason.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct NotFor {
    /// Why the adapter has no case for it.
    pub adapter: Option<String>,
    /// Why the emulator does not play it.
    pub emulator: Option<String>,
}

/// One call of an adapter that leads to the file's request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Case {
    /// Which call.
    pub call: Call,
    /// Keys of the adapter's configuration, over those of the vendor's fixture; `null` removes one.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// The arguments of the call.
    #[serde(default)]
    pub input: Input,
    /// The expected request on the wire.
    #[serde(default)]
    pub wire: Wire,
    /// The meaning of the answer: one of `sent`, `verdict`, `status`, `balance`, `cancellation` and
    /// `error`, with every fact of it.
    #[serde(default)]
    pub expect: Value,
}

/// A call of an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Call {
    /// A send.
    Send,
    /// A check of a code that the vendor made.
    Verify,
    /// The vendor's code again.
    Resend,
    /// The end of a vendor's code.
    Cancel,
    /// Where a message is.
    Status,
    /// The balance of the account.
    Balance,
    /// A report to the vendor on how a verification ended.
    Report,
    /// A delivery receipt. The file's request is the vendor's, and the answer is otpmux's.
    Receipts,
    /// A call that only this adapter has, by its name. A test of the adapter makes it.
    Own(String),
}

/// The arguments of a call. Which fields count depends on the call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Input {
    /// The recipient.
    pub to: Option<String>,
    /// The channel.
    pub channel: Option<String>,
    /// The code: of a send, one that otpmux made; of a verify, the one to check.
    pub code: Option<String>,
    /// The length of the code that the vendor is asked to make.
    pub code_length: Option<u8>,
    /// The vendor's reference of an earlier send.
    pub reference: Option<String>,
    /// The text of the message, with `{code}`.
    pub message: Option<String>,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The HTML part of an e-mail, with `{code}`.
    pub html: Option<String>,
    /// The words of a call, with `{code}`.
    pub speech: Option<String>,
    /// The name of the service.
    pub app: Option<String>,
    /// The minutes that the message says the code is good for.
    pub minutes: Option<u32>,
    /// The values of the variables.
    pub variables: BTreeMap<String, String>,
    /// The vendors' ids of templates.
    pub templates: BTreeMap<String, String>,
    /// The registration of the text in India.
    pub dlt: Option<Dlt>,
    /// How long the code is good for, in seconds.
    pub ttl: Option<u64>,
    /// The vendor's name of a template.
    pub template: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// The sender's name.
    pub sender: Option<String>,
    /// The IP address of the end user.
    pub client_ip: Option<IpAddr>,
    /// The `User-Agent` of the end user.
    pub user_agent: Option<String>,
    /// Where the vendor must report on the message.
    pub receipt: Option<ReceiptTarget>,
    /// How the verification ended, for a report: `approved` or `cancelled`.
    pub outcome: Option<String>,
    /// When a receipt came, as RFC 3339; absent: now.
    pub received_at: Option<String>,
}

/// The registration of a text in India.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Dlt {
    /// The id of the company.
    pub entity_id: String,
    /// The id of the text.
    pub template_id: String,
}

/// Where the vendor must report on a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReceiptTarget {
    /// The address without the query.
    pub address: String,
    /// The token, which follows as `?token=`.
    pub token: String,
}

/// The expected request on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Wire {
    /// The file's: method, path, query, every header that the file lists, and the whole body.
    #[default]
    Same,
    /// The file's, but for these top-level fields of the body, and for the headers that are given
    /// as `header:NAME`: signatures and times.
    SameButFor(Vec<String>),
    /// Another one: the adapter never makes the request that the file shows.
    Other,
}
