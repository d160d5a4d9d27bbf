//! The receipts of a definition: what the vendor calls us with.

use std::time::Duration;

use otpmux_core::settings::{ConfigError, parse_duration};
use otpmux_core::{Blame, Delivery};
use otpmux_http::signature::{Digest, Encoding};
use serde_json::Value;

use super::answer::{BLAMES, Check, read_pointer};
use super::request::{DIGESTS, ENCODINGS, KEY_ENCODINGS, KeyEncoding};
use super::table::{Mistakes, Table};
use crate::template::{Placeholder, Template};

/// How receipts are read.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptRules {
    /// Signed, or only by the secret in the URL.
    pub(crate) signed: bool,
    pub(crate) body: ReceiptBody,
    /// The pointer to the receipts, with `*` for every entry of a list; `None`: the body is one.
    pub(crate) items: Option<Vec<String>>,
    pub(crate) token: Option<Pointer>,
    pub(crate) reference: Option<Pointer>,
    pub(crate) state: Vec<Pointer>,
    pub(crate) states: Vec<(String, State)>,
    /// The first that holds a time counts.
    pub(crate) at: Vec<Pointer>,
    pub(crate) failure_code: Option<Pointer>,
    pub(crate) failure_detail: Option<Pointer>,
    pub(crate) failures: Vec<FailureRow>,
    pub(crate) price: Option<(Pointer, Option<Pointer>)>,
    pub(crate) network: Option<NetworkAt>,
    pub(crate) answer: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) signature: Option<Signature>,
}

/// The form of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiptBody {
    Json,
    Form,
    Query,
}

/// A place inside an item, or from the top of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) from_top: bool,
    pub(crate) pointer: String,
}

/// The meaning of a state of the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) delivery: Delivery,
    pub(crate) is_final: bool,
}

/// Whose fault a failure code is.
#[derive(Clone, Debug)]
pub(crate) struct FailureRow {
    pub(crate) check: Check,
    pub(crate) blame: Blame,
    pub(crate) detail: Option<String>,
}

/// Where the network of the recipient is.
#[derive(Clone, Debug)]
pub(crate) enum NetworkAt {
    /// Three digits of the country, then those of the network.
    Joined(Pointer),
    Apart {
        mcc: Pointer,
        mnc: Option<Pointer>,
    },
}

/// The call by which a vendor checks a URL when it is set up.
#[derive(Clone, Debug)]
pub(crate) struct Challenge {
    pub(crate) when: String,
    pub(crate) is: String,
    pub(crate) secret: String,
    pub(crate) answer: String,
}

/// How a receipt is signed.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) scheme: Scheme,
    /// The name of the setting with the key, if it is not `receipt_secret`.
    pub(crate) key: Option<String>,
}

/// A kind of signature.
#[derive(Clone, Debug)]
pub(crate) enum Scheme {
    Hmac { digest: Digest, key_encoding: KeyEncoding, over: Over },
    StandardWebhooks { prefix: String },
    Twilio,
    JwtHs256,
    Ed25519(Over),
    EcdsaP256(Over),
    Basic,
}

/// The signed text, and the place of the signature.
#[derive(Clone, Debug)]
pub(crate) struct Over {
    pub(crate) content: Template<ReceiptVar>,
    pub(crate) signature: RequestPlace,
    pub(crate) prefix: String,
    pub(crate) encoding: Encoding,
    pub(crate) timestamp: Option<RequestPlace>,
    pub(crate) max_age: Option<Duration>,
}

/// A place in the vendor's call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestPlace {
    Header(String),
    Query(String),
    Pointer(String),
}

/// A placeholder of what a receipt's signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReceiptVar {
    Body,
    Url,
    /// The URL without its query.
    UrlBase,
    Method,
    BodySha256,
    BodySha256Hex,
    At(RequestPlace),
    Form(String),
}

impl Placeholder for ReceiptVar {
    const NAMES: &'static [&'static str] = &[
        "body",
        "url",
        "url_base",
        "method",
        "body_sha256",
        "body_sha256_hex",
        "header.NAME",
        "query.NAME",
        "json./POINTER",
        "form.NAME",
    ];

    fn parse(name: &str) -> Option<Self> {
        let after = |prefix| name.strip_prefix(prefix).filter(|rest: &&str| !rest.is_empty());
        Some(match name {
            "body" => Self::Body,
            "url" => Self::Url,
            "url_base" => Self::UrlBase,
            "method" => Self::Method,
            "body_sha256" => Self::BodySha256,
            "body_sha256_hex" => Self::BodySha256Hex,
            _ => {
                if let Some(name) = after("header.") {
                    Self::At(RequestPlace::Header(name.to_ascii_lowercase()))
                } else if let Some(name) = after("query.") {
                    Self::At(RequestPlace::Query(name.to_owned()))
                } else if let Some(name) = after("form.") {
                    Self::Form(name.to_owned())
                } else {
                    let pointer = after("json.").filter(|pointer| pointer.starts_with('/'))?;
                    Self::At(RequestPlace::Pointer(pointer.to_owned()))
                }
            }
        })
    }
}

impl ReceiptRules {
    pub(super) fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let trusts = [("signed", true), ("secret_in_url", false)];
        let signed = table.word("trust", &trusts, mistakes);
        let signed = table.needed("trust", signed, mistakes);
        let bodies = [
            ("json", ReceiptBody::Json),
            ("form", ReceiptBody::Form),
            ("query", ReceiptBody::Query),
        ];
        let body = table.word("body", &bodies, mistakes);
        let body = table.needed("body", body, mistakes);
        let items = read_pointer("items", &mut table, mistakes);
        let items = items.map(|items| items[1..].split('/').map(str::to_owned).collect());
        let token = pointer("token", &mut table, mistakes);
        let reference = pointer("reference", &mut table, mistakes);
        let state = pointers("state", &mut table, mistakes);
        if state.is_empty() && !table.has("state") {
            table.mistake("state", "missing; it is required", mistakes);
        }
        let states = read_states(&mut table, mistakes);
        let at = pointers("at", &mut table, mistakes);
        let failure_code = pointer("failure_code", &mut table, mistakes);
        let failure_detail = pointer("failure_detail", &mut table, mistakes);
        let failures = read_failures(&mut table, mistakes);
        if !failures.is_empty() && failure_code.is_none() && !table.has("failure_code") {
            table.mistake("failures", "needs `failure_code`, whose values it explains", mistakes);
        }
        let price = read_price(&mut table, mistakes);
        let network = read_network(&mut table, mistakes);
        let answer = table.text("answer", mistakes).map(str::to_owned);
        let challenge = Challenge::read(&mut table, mistakes);
        let signature = table.table("signature", mistakes);
        let signature = signature.and_then(|inner| Signature::read(inner, mistakes));
        if signed == Some(true) && !table.has("signature") {
            table.mistake("signature", "missing; it is required for trust = \"signed\"", mistakes);
        }
        table.finish(mistakes);
        Some(Self {
            signed: signed?,
            body: body?,
            items,
            token,
            reference,
            state,
            states,
            at,
            failure_code,
            failure_detail,
            failures,
            price,
            network,
            answer,
            challenge,
            signature,
        })
    }
}

fn parse_pointer(text: &str) -> Option<Pointer> {
    let (from_top, pointer) = match text.strip_prefix('^') {
        Some(pointer) => (true, pointer),
        None => (false, text),
    };
    pointer.starts_with('/').then(|| Pointer { from_top, pointer: pointer.to_owned() })
}

const POINTER: &str =
    "must be a JSON pointer, such as /status, or ^/status from the top of the body";

fn pointer(key: &'static str, table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Pointer> {
    let text = table.text(key, mistakes)?;
    let pointer = parse_pointer(text);
    if pointer.is_none() {
        table.mistake(key, POINTER, mistakes);
    }
    pointer
}

fn pointers(key: &'static str, table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<Pointer> {
    let list = match table.get(key) {
        None => return Vec::new(),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(one) => vec![one.as_str()],
    };
    let pointers: Option<Vec<_>> = list.into_iter().map(|text| parse_pointer(text?)).collect();
    pointers.unwrap_or_else(|| {
        table.mistake(key, POINTER, mistakes);
        Vec::new()
    })
}

const DELIVERIES: [Delivery; 6] = [
    Delivery::Accepted,
    Delivery::Sent,
    Delivery::Delivered,
    Delivery::Failed,
    Delivery::Expired,
    Delivery::Unknown,
];

fn read_states(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<(String, State)> {
    let at = table.at("states");
    let map = table.map("states", mistakes);
    let map = table.needed("states", map, mistakes);
    let mut states = Vec::new();
    for (word, value) in map.into_iter().flatten() {
        let (delivery, is_final) = match value {
            Value::Object(_) => {
                (value.get("delivery"), value.get("final").and_then(Value::as_bool))
            }
            value => (Some(value), None),
        };
        let delivery = delivery.and_then(Value::as_str);
        let delivery =
            delivery.and_then(|text| DELIVERIES.into_iter().find(|one| one.as_str() == text));
        let Some(delivery) = delivery else {
            let words: Vec<_> = DELIVERIES.iter().map(|one| one.as_str()).collect();
            let message = format!(
                "must be one of {}, or {{ delivery = \"..\", final = true }}",
                words.join(", ")
            );
            mistakes.push(ConfigError::new(format!("{at}.{word}"), message));
            continue;
        };
        let ends = matches!(delivery, Delivery::Delivered | Delivery::Failed | Delivery::Expired);
        states.push((word.clone(), State { delivery, is_final: is_final.unwrap_or(ends) }));
    }
    states
}

fn read_failures(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<FailureRow> {
    let mut rows = Vec::new();
    for mut inner in table.tables("failures", mistakes) {
        let check = Check::read_in(&mut inner, mistakes);
        let blame = inner.word("blame", &BLAMES, mistakes);
        let blame = inner.needed("blame", blame, mistakes);
        let detail = inner.text("detail", mistakes).map(str::to_owned);
        if check.is_none() {
            inner.wrong("needs one of: equals, one_of, prefix, contains", mistakes);
        }
        inner.finish(mistakes);
        if let (Some(check), Some(blame)) = (check, blame) {
            rows.push(FailureRow { check, blame, detail });
        }
    }
    rows
}

fn read_price(
    table: &mut Table<'_>,
    mistakes: &mut Mistakes,
) -> Option<(Pointer, Option<Pointer>)> {
    let mut inner = table.table("price", mistakes)?;
    let amount = pointer("amount", &mut inner, mistakes);
    let amount = inner.needed("amount", amount, mistakes);
    let currency = pointer("currency", &mut inner, mistakes);
    inner.finish(mistakes);
    Some((amount?, currency))
}

fn read_network(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<NetworkAt> {
    let mut inner = table.table("network", mistakes)?;
    let joined = pointer("mccmnc", &mut inner, mistakes);
    let mcc = pointer("mcc", &mut inner, mistakes);
    let mnc = pointer("mnc", &mut inner, mistakes);
    if inner.has("mccmnc") == inner.has("mcc") {
        inner.wrong("needs `mccmnc`, or `mcc` with or without `mnc`", mistakes);
    }
    inner.finish(mistakes);
    joined.map(NetworkAt::Joined).or(mcc.map(|mcc| NetworkAt::Apart { mcc, mnc }))
}

impl Challenge {
    fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let mut inner = table.table("challenge", mistakes)?;
        let mut needed = |key| {
            let text = inner.text(key, mistakes).map(str::to_owned);
            inner.needed(key, text, mistakes)
        };
        let (when, is) = (needed("when"), needed("is"));
        let (secret, answer) = (needed("secret"), needed("answer"));
        inner.finish(mistakes);
        Some(Self { when: when?, is: is?, secret: secret?, answer: answer? })
    }
}

impl Signature {
    fn read(mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        #[derive(Clone, Copy)]
        enum Word {
            Hmac,
            StandardWebhooks,
            Twilio,
            Jwt,
            Ed25519,
            Ecdsa,
            Basic,
        }
        let words = [
            ("hmac", Word::Hmac),
            ("standard-webhooks", Word::StandardWebhooks),
            ("twilio", Word::Twilio),
            ("jwt-hs256", Word::Jwt),
            ("ed25519", Word::Ed25519),
            ("ecdsa-p256", Word::Ecdsa),
            ("basic", Word::Basic),
        ];
        let key = table.text("key", mistakes).map(str::to_owned);
        let word = table.word("scheme", &words, mistakes);
        let scheme = match table.needed("scheme", word, mistakes)? {
            Word::Hmac => {
                let digest = table.word("algorithm", &DIGESTS, mistakes);
                let key_encoding = table.word("key_encoding", &KEY_ENCODINGS, mistakes);
                Over::read(&mut table, mistakes).map(|over| Scheme::Hmac {
                    digest: digest.unwrap_or(Digest::Sha256),
                    key_encoding: key_encoding.unwrap_or(KeyEncoding::Text),
                    over,
                })
            }
            Word::StandardWebhooks => {
                let prefix = table.text("prefix", mistakes).unwrap_or("webhook-");
                Some(Scheme::StandardWebhooks { prefix: prefix.to_ascii_lowercase() })
            }
            Word::Twilio => Some(Scheme::Twilio),
            Word::Jwt => Some(Scheme::JwtHs256),
            Word::Ed25519 => Over::read(&mut table, mistakes).map(Scheme::Ed25519),
            Word::Ecdsa => Over::read(&mut table, mistakes).map(Scheme::EcdsaP256),
            Word::Basic => Some(Scheme::Basic),
        };
        table.finish(mistakes);
        Some(Self { scheme: scheme?, key })
    }
}

impl Over {
    fn read(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let content = table.template("content", mistakes);
        let content = table.needed("content", content, mistakes);
        let signature = RequestPlace::read("signature", table, mistakes);
        let signature = table.needed("signature", signature, mistakes);
        let prefix = table.text("prefix", mistakes).unwrap_or_default().to_owned();
        let encoding = table.word("encoding", &ENCODINGS, mistakes);
        let timestamp = RequestPlace::read("timestamp", table, mistakes);
        let max_age = table.text("max_age", mistakes).and_then(|text| {
            let time = parse_duration(text);
            if time.is_none() {
                table.mistake("max_age", "must be a time such as \"5m\"", mistakes);
            }
            time
        });
        if timestamp.is_some() != max_age.is_some()
            && table.has("timestamp") != table.has("max_age")
        {
            table.wrong("`timestamp` and `max_age` need each other", mistakes);
        }
        Some(Self {
            content: content?,
            signature: signature?,
            prefix,
            encoding: encoding.unwrap_or(Encoding::Hex),
            timestamp,
            max_age,
        })
    }
}

impl RequestPlace {
    fn read(key: &'static str, table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let mut inner = table.table(key, mistakes)?;
        let header = inner.text("header", mistakes).map(str::to_ascii_lowercase);
        let query = inner.text("query", mistakes).map(str::to_owned);
        let pointer = read_pointer("pointer", &mut inner, mistakes);
        let there = ["header", "query", "pointer"].iter().filter(|key| inner.has(key)).count();
        if there != 1 {
            inner.wrong("needs one of: header, query, pointer", mistakes);
        }
        inner.finish(mistakes);
        let header = header.map(Self::Header);
        header.or(query.map(Self::Query)).or(pointer.map(Self::Pointer))
    }
}
