use std::collections::HashMap;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, IdempotencyKey, ProviderId, Purpose, VendorReference};
use otpmux_engine::{
    Choice, CodeMac, KeyId, Leg, LegState, RecipientHash, Record, RequestTag, Sealed, Skip, State,
    VerificationId, millis,
};
use serde::de::value::{Error as NoWord, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::names::{from_hex, hex};

/// What no script looks into about a leg.
#[derive(Serialize, Deserialize)]
struct LegForm {
    provider: ProviderId,
    why: Choice,
    channel: Channel,
    key: IdempotencyKey,
}

/// The fields of a record's hash, each name followed by its value.
pub(crate) fn write(record: &Record) -> Vec<Vec<u8>> {
    let mut fields = Writer(Vec::with_capacity(48));
    fields.put("recipient", hex(&record.recipient.0));
    fields.put("purpose", record.purpose.as_str());
    fields.put("state", state(record.state));
    if let Some(code) = &record.code {
        fields.put("code_key", &*code.key);
        fields.put("code_mac", code.mac);
    }
    if let Some(length) = record.code_length {
        fields.put("code_length", length.to_string());
    }
    fields.put("expires_at", millis(record.expires_at).to_string());
    fields.put("attempts", record.attempts.to_string());
    fields.put("max_attempts", record.max_attempts.to_string());
    fields.put("resends", record.resends.to_string());
    fields.put("resend_after", millis(record.resend_after).to_string());
    fields.put("sealed_key", &*record.sealed.key);
    fields.put("sealed", &*record.sealed.bytes);
    fields.put("skips", lines(&record.skips));
    if let Some(request) = &record.request {
        fields.put("request", hex(&request.name));
        fields.put("content", hex(&request.content));
    }
    fields.put("legs", record.legs.len().to_string());
    for (at, leg) in record.legs.iter().enumerate() {
        fields.put(&format!("leg:{at}"), leg_form(leg));
        fields.put(&format!("supplied:{at}"), supplied(leg));
        fields.put(&format!("state:{at}"), leg_state(leg.state));
        if let Some(kind) = leg.failure {
            fields.put(&format!("failure:{at}"), kind.as_str());
        }
        if let Some(reference) = &leg.reference {
            fields.put(&format!("reference:{at}"), reference.as_str());
        }
    }
    fields.0
}

struct Writer(Vec<Vec<u8>>);

impl Writer {
    fn put(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.extend([name.into(), value.into()]);
    }
}

/// A record from its fields.
pub(crate) fn read(id: VerificationId, fields: Vec<(Vec<u8>, Vec<u8>)>) -> Read<Record> {
    let mut fields = Reader(fields.into_iter().collect());
    let legs: usize = fields.number("legs")?;
    Ok(Record {
        id,
        recipient: RecipientHash(fields.hex("recipient")?),
        purpose: Purpose::new(fields.text("purpose")?).map_err(|_| Fault::Unreadable)?,
        state: fields.word("state")?,
        code: fields.code()?,
        code_length: fields.maybe("code_length", |text| text.parse().ok())?,
        expires_at: fields.time("expires_at")?,
        attempts: fields.number("attempts")?,
        max_attempts: fields.number("max_attempts")?,
        resends: fields.number("resends")?,
        resend_after: fields.time("resend_after")?,
        sealed: Sealed {
            key: fields.text("sealed_key")?.into(),
            bytes: fields.bytes("sealed")?.into(),
        },
        legs: (0..legs).map(|at| fields.leg(at)).collect::<Read<_>>()?,
        skips: from_lines(&fields.text("skips")?)?,
        request: fields.request()?,
    })
}

type Read<T> = Result<T, Fault>;

struct Reader(HashMap<Vec<u8>, Vec<u8>>);

impl Reader {
    /// What may be missing, but must not be unreadable.
    fn maybe<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Read<Option<T>> {
        let Some(bytes) = self.0.remove(name.as_bytes()) else { return Ok(None) };
        let value = str::from_utf8(&bytes).ok().and_then(read);
        value.map(Some).ok_or(Fault::Unreadable)
    }

    fn some<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Read<T> {
        self.maybe(name, read)?.ok_or(Fault::Unreadable)
    }

    fn bytes(&mut self, name: &str) -> Read<Vec<u8>> {
        self.0.remove(name.as_bytes()).ok_or(Fault::Unreadable)
    }

    fn text(&mut self, name: &str) -> Read<String> {
        self.some(name, |text| Some(text.to_owned()))
    }

    fn hex<const N: usize>(&mut self, name: &str) -> Read<[u8; N]> {
        self.some(name, from_hex)
    }

    fn number<T: FromStr>(&mut self, name: &str) -> Read<T> {
        self.some(name, |text| text.parse().ok())
    }

    fn time(&mut self, name: &str) -> Read<SystemTime> {
        let since = Duration::from_millis(self.number(name)?);
        SystemTime::UNIX_EPOCH.checked_add(since).ok_or(Fault::Unreadable)
    }

    fn word<T: DeserializeOwned>(&mut self, name: &str) -> Read<T> {
        self.some(name, word)
    }

    fn code(&mut self) -> Read<Option<CodeMac>> {
        let Some(key) = self.maybe("code_key", |text| Some(KeyId::from(text)))? else {
            return Ok(None);
        };
        let mac = self.bytes("code_mac")?.try_into().map_err(|_| Fault::Unreadable)?;
        Ok(Some(CodeMac { key, mac }))
    }

    fn request(&mut self) -> Read<Option<Box<RequestTag>>> {
        let Some(name) = self.maybe("request", from_hex)? else { return Ok(None) };
        let content = self.hex("content")?;
        Ok(Some(Box::new(RequestTag { name, content })))
    }

    fn leg(&mut self, at: usize) -> Read<Leg> {
        let form: LegForm =
            self.some(&format!("leg:{at}"), |text| serde_json::from_str(text).ok())?;
        let supplied = |text: &str| match text {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        };
        let reference = |text: &str| Some(VendorReference::new(text));
        Ok(Leg {
            provider: form.provider,
            why: form.why,
            channel: form.channel,
            supplied: self.some(&format!("supplied:{at}"), supplied)?,
            key: form.key,
            state: self.word(&format!("state:{at}"))?,
            failure: self.maybe(&format!("failure:{at}"), word)?,
            reference: self.maybe(&format!("reference:{at}"), reference)?,
        })
    }
}

pub(crate) fn leg_form(leg: &Leg) -> Vec<u8> {
    let form = LegForm {
        provider: leg.provider.clone(),
        why: leg.why,
        channel: leg.channel.clone(),
        key: leg.key,
    };
    // Names and words always serialise.
    serde_json::to_vec(&form).unwrap_or_default()
}

pub(crate) fn supplied(leg: &Leg) -> &'static str {
    if leg.supplied { "1" } else { "0" }
}

pub(crate) fn leg_state(state: LegState) -> &'static str {
    match state {
        LegState::Intended => "intended",
        LegState::Accepted => "accepted",
        LegState::NotSent => "not_sent",
        LegState::Refused => "refused",
        LegState::Unknown => "unknown",
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Approved => "approved",
        State::Closed => "closed",
    }
}

/// A word of the model, as `serde` reads it.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    let text: StrDeserializer<'_, NoWord> = text.into_deserializer();
    T::deserialize(text).ok()
}

/// One line for each, so that more can be added at the end.
pub(crate) fn lines(skips: &[Skip]) -> String {
    // Names, words and times always serialise.
    skips.iter().map(|skip| serde_json::to_string(skip).unwrap_or_default() + "\n").collect()
}

fn from_lines(text: &str) -> Read<Vec<Skip>> {
    text.lines().map(|line| serde_json::from_str(line).map_err(|_| Fault::Unreadable)).collect()
}
