//! The content of receipts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use otpmux_core::{
    Blame, Correlation, Delivery, Network, Price, Receipt, ReceiptRequest, VendorReference,
    plain_words,
};
use otpmux_http::parse_time;
use serde_json::{Map, Value};

use crate::definition::{NetworkAt, Pointer, ReceiptBody, ReceiptRules};

/// The body of a receipt as a tree; a form or a query is one flat table.
pub(super) struct Parsed(Value);

impl Parsed {
    /// Returns the body; `None` if it does not have the form of the rules.
    pub(super) fn new(form: ReceiptBody, request: &ReceiptRequest<'_>) -> Option<Self> {
        match form {
            ReceiptBody::Json => serde_json::from_slice(request.body).ok().map(Self),
            ReceiptBody::Form => Some(Self::of_pairs(request.body)),
            ReceiptBody::Query => {
                let query = request.url.split_once('?').map_or("", |(_, query)| query);
                Some(Self::of_pairs(query.as_bytes()))
            }
        }
    }

    /// The first field of a name counts.
    fn of_pairs(text: &[u8]) -> Self {
        let mut fields = Map::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            fields.entry(name).or_insert_with(|| value.into());
        }
        Self(fields.into())
    }

    /// Returns the text or number at a pointer, as text.
    pub(super) fn word(&self, pointer: &str) -> Option<String> {
        word(self.0.pointer(pointer)?)
    }

    /// Returns a field of a form.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Returns the receipts whose state the rules know.
    pub(super) fn receipts(
        &self,
        rules: &ReceiptRules,
        request: &ReceiptRequest<'_>,
    ) -> Vec<Receipt> {
        self.items(rules).filter_map(|item| item.receipt(rules, request)).collect()
    }

    /// Returns whether an entry has the token of a message.
    pub(super) fn has_token(&self, rules: &ReceiptRules, request: &ReceiptRequest<'_>) -> bool {
        self.items(rules).any(|item| item.token(rules, request).is_some())
    }

    fn items(&self, rules: &ReceiptRules) -> impl Iterator<Item = Item<'_>> {
        let mut items = Vec::new();
        match &rules.items {
            None => items.push(&self.0),
            Some(path) => collect(&self.0, path, &mut items),
        }
        items.into_iter().map(|item| Item { top: &self.0, item })
    }
}

/// Collects the values at a path, in which `*` is every entry of a list.
fn collect<'v>(value: &'v Value, path: &[String], found: &mut Vec<&'v Value>) {
    match path.split_first() {
        None => found.push(value),
        Some((step, rest)) if step == "*" => {
            for entry in value.as_array().into_iter().flatten() {
                collect(entry, rest, found);
            }
        }
        Some((step, rest)) => {
            if let Some(inner) = value.pointer(&format!("/{step}")) {
                collect(inner, rest, found);
            }
        }
    }
}

/// One receipt of a body.
struct Item<'v> {
    top: &'v Value,
    item: &'v Value,
}

impl<'v> Item<'v> {
    fn at(&self, place: &Pointer) -> Option<&'v Value> {
        let from = if place.from_top { self.top } else { self.item };
        from.pointer(&place.pointer)
    }

    fn word(&self, place: Option<&Pointer>) -> Option<String> {
        word(self.at(place?)?).filter(|text| !text.is_empty())
    }

    /// `None` for a state that is not in the table, and for a message that nothing names.
    fn receipt(&self, rules: &ReceiptRules, request: &ReceiptRequest<'_>) -> Option<Receipt> {
        let words: Vec<_> = rules.state.iter().filter_map(|at| self.word(Some(at))).collect();
        let word = words.join("/");
        let (_, state) = rules.states.iter().find(|(name, _)| *name == word)?;
        let token = self.token(rules, request);
        let reference = || {
            let reference = self.word(rules.reference.as_ref())?;
            Some(Correlation::Reference(VendorReference::new(reference)))
        };
        let correlation = token.map(Correlation::Token).or_else(reference)?;
        let mut receipt = Receipt::new(correlation, state.delivery);
        receipt.is_final = state.is_final;
        receipt = receipt.with_time(rules.at.iter().find_map(|place| time(self.at(place)?)));
        if matches!(state.delivery, Delivery::Failed | Delivery::Expired) {
            let (blame, detail) = self.failure(rules);
            receipt = receipt.with_failure(blame, detail);
        }
        receipt.price = self.price(rules);
        receipt.network = self.network(rules);
        Some(receipt)
    }

    fn token(&self, rules: &ReceiptRules, request: &ReceiptRequest<'_>) -> Option<String> {
        match &rules.token {
            Some(place) => self.word(Some(place)).filter(|text| is_token(text)),
            None => token_in_url(request),
        }
    }

    fn failure(&self, rules: &ReceiptRules) -> (Blame, String) {
        let code = self.word(rules.failure_code.as_ref());
        let row = rules.failures.iter().find(|row| row.check.of_word(code.as_deref()));
        let text = self.word(rules.failure_detail.as_ref()).map(|text| plain_words(&text));
        let own = row.and_then(|row| row.detail.clone());
        let detail = own.or(text).unwrap_or_default();
        (row.map_or(Blame::Provider, |row| row.blame), detail)
    }

    fn price(&self, rules: &ReceiptRules) -> Option<Price> {
        let (amount, currency) = rules.price.as_ref()?;
        let amount = self.word(Some(amount))?;
        let decimal = amount.len() <= 32
            && amount.bytes().any(|b| b.is_ascii_digit())
            && amount.bytes().all(|b| b.is_ascii_digit() || b"-.eE+".contains(&b));
        let currency = self.word(currency.as_ref());
        let letters =
            |text: &String| text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic());
        decimal.then(|| Price::new(amount, currency.filter(letters)))
    }

    fn network(&self, rules: &ReceiptRules) -> Option<Network> {
        let (mcc, mnc) = match rules.network.as_ref()? {
            NetworkAt::Joined(place) => {
                let text = self.word(Some(place))?;
                let (mcc, mnc) = text.split_at_checked(3)?;
                (mcc.to_owned(), Some(mnc.to_owned()).filter(|mnc| !mnc.is_empty()))
            }
            NetworkAt::Apart { mcc, mnc } => (self.word(Some(mcc))?, self.word(mnc.as_ref())),
        };
        let digits = |text: &str| text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
        (mcc.len() == 3 && digits(&mcc)).then(|| Network::new(mcc, mnc.filter(|mnc| digits(mnc))))
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the token of a message that the URL holds.
fn token_in_url(request: &ReceiptRequest<'_>) -> Option<String> {
    request.query("token").filter(|text| is_token(text)).map(std::borrow::Cow::into_owned)
}

/// Returns whether a text has the form of a token of the engine.
fn is_token(text: &str) -> bool {
    text.len() == 39 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Reads a time: RFC 3339, an HTTP date, or Unix time in seconds or milliseconds.
fn time(value: &Value) -> Option<SystemTime> {
    /// From here on, a number is in milliseconds: as seconds it would be the year 5138.
    const MILLIS: f64 = 1e11;
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => Some(number),
            Err(_) => return parse_time(text).or_else(|| httpdate::parse_http_date(text).ok()),
        },
        _ => None,
    }?;
    let seconds = if number >= MILLIS { number / 1000.0 } else { number };
    let since = Duration::try_from_secs_f64(seconds).ok().filter(|since| !since.is_zero())?;
    // Whole milliseconds: a float has no more.
    let millis = u64::try_from((since.as_micros() + 500) / 1000).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_in_the_vendors_forms() {
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        for (value, expected) in [
            (json!(1_750_857_384), at(1_750_857_384)),
            (json!("1750857384"), at(1_750_857_384)),
            (json!(1_750_857_384_000_u64), at(1_750_857_384)),
            (json!("2025-06-25T13:16:24Z"), at(1_750_857_384)),
            (json!("Wed, 25 Jun 2025 13:16:24 GMT"), at(1_750_857_384)),
            (json!("2025-06-25 13:16:24"), None),
            (json!("soon"), None),
            (json!(-1), None),
            (json!("NaN"), None),
            (json!(1e300), None),
            (json!({}), None),
        ] {
            assert_eq!(time(&value), expected, "{value}");
        }
        let fraction = time(&json!(1_521_472_262.5)).unwrap();
        assert_eq!(fraction, UNIX_EPOCH + Duration::from_millis(1_521_472_262_500));
    }

    #[test]
    fn a_star_is_every_entry_of_a_list() {
        let value = json!({ "entry": [{ "c": [1, 2] }, { "c": [3] }, { "d": [4] }, 5] });
        let path: Vec<_> = ["entry", "*", "c", "*"].map(str::to_owned).into();
        let mut found = Vec::new();
        collect(&value, &path, &mut found);
        assert_eq!(found, [&json!(1), &json!(2), &json!(3)]);
    }
}
