//! Reads delivery reports of SMS, as Infobip's subscriptions send them: in batches.

use otpmux_core::{
    Blame, Certainty, Correlation, Delivery, Error, ErrorKind, Network, Price, ProviderId, Receipt,
    ReceiptRequest, Receipts, VendorReference, plain_words,
};
use otpmux_http::parse_time;
use otpmux_http::signature::{ReceiptSecrets, SignatureError};
use serde::Deserialize;
use serde_json::{Number, Value};

/// The user of Basic credentials, where the subscription has them.
const USER: &str = "otpmux";

#[derive(Deserialize)]
struct Batch {
    results: Vec<Report>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    message_id: String,
    status: Status,
    error: Option<Cause>,
    done_at: Option<String>,
    price: Option<MessagePrice>,
    mcc_mnc: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    group_name: String,
    name: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cause {
    group_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessagePrice {
    price_per_message: Option<Number>,
    currency: Option<Value>,
}

/// Checks and reads a request. Infobip signs nothing: the secret is in the URL, or the password of
/// the user `otpmux`, as the subscription is set up.
pub(crate) fn read(
    provider: &ProviderId,
    secrets: &ReceiptSecrets,
    request: &ReceiptRequest<'_>,
) -> Result<Receipts, Error> {
    let checked = match (request.query("secret"), request.header("authorization")) {
        (Some(secret), _) => secrets.check_text(&secret),
        (None, Some(header)) => secrets.check_basic(USER, Some(header)),
        (None, None) => Err(SignatureError::Missing),
    };
    checked.map_err(|error| error.at(provider))?;
    let batch: Batch = serde_json::from_slice(request.body).map_err(|_| {
        Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)
            .with_provider(provider.clone())
            .with_detail("no batch of delivery reports")
    })?;
    Ok(Receipts::new(batch.results.into_iter().map(receipt)))
}

fn receipt(report: Report) -> Receipt {
    let Status { group_name, name, description } = &report.status;
    let name = name.as_deref().unwrap_or_default();
    let (delivery, is_final) = match (group_name.as_str(), name) {
        ("PENDING" | "OK", _) => (Delivery::Accepted, false),
        // The operator has it; another report may follow.
        ("DELIVERED", "DELIVERED_TO_OPERATOR") => (Delivery::Sent, false),
        ("DELIVERED", _) => (Delivery::Delivered, true),
        // The operator never said.
        ("EXPIRED", "EXPIRED_DLR_UNKNOWN") => (Delivery::Unknown, true),
        ("EXPIRED", _) => (Delivery::Expired, true),
        ("UNDELIVERABLE" | "REJECTED", _) => (Delivery::Failed, true),
        _ => (Delivery::Unknown, false),
    };
    let correlation = Correlation::Reference(VendorReference::new(report.message_id));
    let mut receipt = Receipt::new(correlation, delivery);
    receipt.is_final = is_final;
    receipt.at = report.done_at.as_deref().and_then(parse_time);
    if matches!(delivery, Delivery::Failed | Delivery::Expired) {
        let group = report.error.and_then(|error| error.group_name).unwrap_or_default();
        let recipients = matches!(group.as_str(), "HANDSET_ERRORS" | "USER_ERRORS")
            || matches!(name, "REJECTED_DND" | "REJECTED_PREFIX_MISSING");
        let blame = if recipients { Blame::Recipient } else { Blame::Provider };
        let words = description.as_deref().map(plain_words).unwrap_or_default();
        receipt = receipt.with_failure(blame, words);
    }
    receipt.price = report.price.and_then(|price| {
        let currency = price.currency.and_then(|currency| currency.as_str().map(str::to_owned));
        Some(Price::new(price.price_per_message?.to_string(), currency))
    });
    receipt.network = report.mcc_mnc.as_deref().and_then(Network::joined);
    receipt
}
