//! The endpoints outside the port. The vendor documents only their paths (A17 to A19), so their
//! answers are returned as open data.

use std::fmt;
use std::time::SystemTime;

use otpmux_core::{Context, Delivery, Error, Recipient, Status};
use otpmux_http::{Answer, parse_time};
use serde_json::{Map, Value};

use crate::error::error;
use crate::fields::Fields;
use crate::{AirTexts, Endpoint};

/// A page and its filters, for [`AirTexts::list`] and [`AirTexts::logs`].
#[derive(Clone)]
#[non_exhaustive]
pub struct ListQuery {
    /// The page, from 1.
    pub page: u32,
    /// Items per page; 20 by default.
    pub limit: u32,
    filters: Vec<(&'static str, String)>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self { page: 1, limit: 20, filters: Vec::new() }
    }
}

impl ListQuery {
    /// Returns a query for this page, with `limit` items per page.
    pub fn page(page: u32, limit: u32) -> Self {
        Self { page, limit, ..Self::default() }
    }

    /// Adds a filter. The vendor mentions filters, but not their names.
    pub fn with_filter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.filters.push((name, value.into()));
        self
    }
}

impl fmt::Debug for ListQuery {
    /// Shows only the names of filters: a value may be a phone number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.filters.iter().map(|(name, _)| name).collect();
        f.debug_struct("ListQuery")
            .field("page", &self.page)
            .field("limit", &self.limit)
            .field("filters", &names)
            .finish()
    }
}

/// The period of a report, for [`AirTexts::reports`]. The format of its dates is unknown; they are
/// sent unchanged.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReportQuery {
    /// The beginning.
    pub from: Option<String>,
    /// The end.
    pub to: Option<String>,
}

impl ReportQuery {
    /// Returns a query without a period.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a query for this period.
    pub fn between(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: Some(from.into()), to: Some(to.into()) }
    }
}

/// A page of a list.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The items as the vendor returned them. They may hold phone numbers and codes.
    pub items: Vec<Value>,
    /// The number of the page, if the answer has it.
    pub page: Option<u64>,
    /// Items per page, if the answer has it.
    pub limit: Option<u64>,
    /// The number of all items, if the answer has it.
    pub total: Option<u64>,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("items", &format_args!("{} items", self.items.len()))
            .field("page", &self.page)
            .field("limit", &self.limit)
            .field("total", &self.total)
            .finish()
    }
}

/// The vendor's data about a verification.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct OtpStatus {
    /// Its id.
    pub verification_id: Option<String>,
    /// The vendor's word for its state.
    pub status: Option<String>,
    /// The vendor's word for the channel.
    pub channel: Option<String>,
    /// Whether it was verified. For display and support only: never sign a user in by it.
    pub verified: Option<bool>,
    /// When its code expires.
    pub expires_at: Option<SystemTime>,
    /// All other fields of the answer. They may hold a phone number or a code.
    pub extra: Map<String, Value>,
}

impl OtpStatus {
    /// Returns the state of the message. "Expired" means the code at this vendor, not the message,
    /// so it is unknown.
    pub fn delivery(&self) -> Delivery {
        let word = self.status.as_deref().unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "accepted" | "pending" | "queued" | "created" | "initiated" => Delivery::Accepted,
            "sent" | "sending" | "submitted" => Delivery::Sent,
            // A code that was typed has arrived.
            "delivered" | "read" | "verified" | "approved" | "used" => Delivery::Delivered,
            "failed" | "undelivered" | "undeliverable" | "rejected" => Delivery::Failed,
            _ => Delivery::Unknown,
        }
    }
}

impl fmt::Debug for OtpStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpStatus")
            .field("delivery", &self.delivery())
            .field("verified", &self.verified)
            .field("extra", &format_args!("{} fields", self.extra.len()))
            .finish_non_exhaustive()
    }
}

/// Calls of the vendor's other endpoints. Each is one request that changes nothing and may be
/// repeated.
///
/// # Errors
///
/// Each call returns [`ErrorKind::Unsupported`](otpmux_core::ErrorKind::Unsupported), rejected and
/// blamed on the provider, if the vendor does not have the route (404, 405, 501). An answer without
/// the expected data is a protocol error with an unknown outcome. Other errors are those of the
/// port.
impl AirTexts {
    /// Returns the vendor's data about a verification (A17).
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn otp_status(
        &self,
        cx: &Context,
        verification_id: &str,
    ) -> Result<OtpStatus, Error> {
        let call = self.get(Endpoint::Status).with_query("verification_id", verification_id);
        otp_status(&self.call(cx, call).await?)
    }

    /// Returns the status for the port; a failure carries the vendor's own words.
    pub(crate) async fn delivery(
        &self,
        cx: &Context,
        phone: &str,
        verification_id: &str,
    ) -> Result<Status, Error> {
        let call =
            self.get(Endpoint::Status).with_query("verification_id", verification_id).hiding(phone);
        delivery(&self.call(cx, call).await?)
    }

    /// Returns the verifications of this application (A18).
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn list(&self, cx: &Context, query: ListQuery) -> Result<Page, Error> {
        self.page(cx, Endpoint::List, query).await
    }

    /// Returns the log of this application (A18).
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn logs(&self, cx: &Context, query: ListQuery) -> Result<Page, Error> {
        self.page(cx, Endpoint::Logs, query).await
    }

    async fn page(
        &self,
        cx: &Context,
        endpoint: Endpoint,
        query: ListQuery,
    ) -> Result<Page, Error> {
        let mut call = self
            .get(endpoint)
            .with_query("page", query.page.to_string())
            .with_query("limit", query.limit.to_string());
        for (name, value) in query.filters {
            call = call.hiding(&value).with_query(name, value);
        }
        page(&self.call(cx, call).await?, endpoint)
    }

    /// Returns the limits of a recipient, as the vendor gives them (A19).
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn rate_limits(&self, cx: &Context, recipient: &Recipient) -> Result<Value, Error> {
        let call = self
            .get(Endpoint::RateLimits)
            .with_query("recipient", recipient.expose())
            .hiding(recipient.expose());
        raw(&self.call(cx, call).await?, Endpoint::RateLimits)
    }

    /// Returns the attempts to verify a verification (A18).
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn attempts(&self, cx: &Context, verification_id: &str) -> Result<Page, Error> {
        let call = self.get(Endpoint::Attempts).with_query("verification_id", verification_id);
        page(&self.call(cx, call).await?, Endpoint::Attempts)
    }

    /// Returns the vendor's report, unchanged (A19).
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn reports(&self, cx: &Context, query: ReportQuery) -> Result<Value, Error> {
        let mut call = self.get(Endpoint::Reports);
        if let Some(from) = query.from {
            call = call.with_query("from", from);
        }
        if let Some(to) = query.to {
            call = call.with_query("to", to);
        }
        raw(&self.call(cx, call).await?, Endpoint::Reports)
    }
}

/// Returns the JSON of an answer that does not deny success.
pub(crate) fn raw(answer: &Answer, endpoint: Endpoint) -> Result<Value, Error> {
    let fields = Fields::of(answer);
    if !answer.is_success() || fields.envelope_says_no() {
        return Err(error(answer, &fields, endpoint));
    }
    answer.json().ok_or_else(|| answer.protocol_error("the answer is no JSON"))
}

/// Reads a list at the top, in `data` or in `items` (A18).
pub(crate) fn page(answer: &Answer, endpoint: Endpoint) -> Result<Page, Error> {
    let mut root = match raw(answer, endpoint)? {
        Value::Array(items) => {
            return Ok(Page { items, ..Page::default() });
        }
        Value::Object(root) => root,
        _ => return Err(answer.protocol_error("the answer is neither list nor object")),
    };
    let number = |name| {
        let inner = root.get("pagination").and_then(|inner| inner.get(name));
        inner.or_else(|| root.get(name)).and_then(Value::as_u64)
    };
    let (number, limit, total) = (number("page"), number("limit"), number("total"));
    let list =
        ["data", "items"].into_iter().find(|name| root.get(*name).is_some_and(Value::is_array));
    let Some(Value::Array(items)) = list.and_then(|name| root.remove(name)) else {
        return Err(answer.protocol_error("no list in the field data or items"));
    };
    Ok(Page { items, page: number, limit, total })
}

/// Reads a status in `data`, in `result` or at the top (A17).
pub(crate) fn otp_status(answer: &Answer) -> Result<OtpStatus, Error> {
    let Value::Object(mut root) = raw(answer, Endpoint::Status)? else {
        return Err(answer.protocol_error("the answer is no JSON object"));
    };
    let inner =
        ["data", "result"].into_iter().find(|name| root.get(*name).is_some_and(Value::is_object));
    let mut fields = match inner.and_then(|name| root.remove(name)) {
        Some(Value::Object(inner)) => inner,
        _ => root,
    };
    let mut text = |names: [&str; 2]| {
        let name =
            names.into_iter().find(|name| fields.get(*name).is_some_and(Value::is_string))?;
        match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    };
    let status = OtpStatus {
        verification_id: text(["verification_id", "verificationId"]),
        status: text(["status", "state"]),
        channel: text(["channel", "type"]),
        expires_at: text(["expires_at", "expiresAt"]).as_deref().and_then(parse_time),
        verified: fields.get("verified").and_then(Value::as_bool),
        extra: fields,
    };
    if status.status.is_none() && status.verified.is_none() {
        return Err(answer.protocol_error("no field status"));
    }
    Ok(status)
}

/// Returns a status in the form of the port.
pub(crate) fn delivery(answer: &Answer) -> Result<Status, Error> {
    let found = otp_status(answer)?;
    let mut status = Status::new(found.delivery());
    let text = |name: &str| found.extra.get(name).and_then(Value::as_str);
    status.delivered_at = text("delivered_at").and_then(parse_time);
    if status.delivery == Delivery::Failed {
        let reason = text("reason").or_else(|| text("error")).or_else(|| text("message"));
        status.failure = reason.map(|reason| answer.public_text(reason));
    }
    Ok(status)
}
