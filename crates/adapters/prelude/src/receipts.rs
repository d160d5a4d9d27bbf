//! Reads webhooks. They hold the recipient and the price, and no code.

use otpmux_core::{
    Blame, Certainty, Correlation, Delivery, Error, ErrorKind, Network, Price, ProviderId, Receipt,
    ReceiptRequest, Receipts, VendorReference,
};
use otpmux_http::parse_time;
use otpmux_http::signature::{Encoding, PublicKeys, SignatureError, token_in_url};
use serde::Deserialize;
use serde_json::Number;

const HEADER: &str = "x-webhook-signature";
const PREFIX: &str = "rsassa-pss-sha256=";

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    verification_id: Option<String>,
    metadata: Option<Metadata>,
    /// Of a `verify.delivery_status`.
    status: Option<String>,
    /// Of a `verify.attempt`.
    delivery_status: Option<String>,
    time: Option<String>,
    price: Option<EventPrice>,
    carrier_information: Option<Carrier>,
}

#[derive(Deserialize)]
struct Metadata {
    correlation_id: Option<String>,
}

#[derive(Deserialize)]
struct EventPrice {
    amount: Number,
    currency: Option<String>,
}

#[derive(Deserialize)]
struct Carrier {
    mcc: String,
    mnc: Option<String>,
}

/// Checks and reads a request. Without keys, only the token in the URL proves that it is Prelude's.
pub(crate) fn read(
    provider: &ProviderId,
    keys: Option<&PublicKeys>,
    request: &ReceiptRequest<'_>,
) -> Result<Receipts, Error> {
    let token = token_in_url(request);
    let token = match keys {
        Some(keys) => signature(keys, request).map(|()| token.ok()),
        None => token.map(Some),
    };
    let token = token.map_err(|error| error.at(provider))?;
    let event: Event = serde_json::from_slice(request.body).map_err(|_| {
        Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)
            .with_provider(provider.clone())
            .with_detail("no event of the Verify API")
    })?;
    let payload = event.payload;
    let state = match event.kind.as_str() {
        "verify.delivery_status" => payload.status.as_deref(),
        "verify.attempt" => payload.delivery_status.as_deref(),
        // `verify.authentication` says what the verification costs.
        _ => None,
    };
    let Some(state) = state else { return Ok(Receipts::default()) };
    let correlation_id = payload.metadata.and_then(|metadata| metadata.correlation_id);
    let correlation = match (token, correlation_id, payload.verification_id) {
        (Some(token), _, _) | (None, Some(token), _) => Correlation::Token(token),
        (None, None, Some(id)) => Correlation::Reference(VendorReference::new(id)),
        (None, None, None) => return Ok(Receipts::default()),
    };
    let delivery = match state {
        "submitted" | "in_transit" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        "undeliverable" => Delivery::Failed,
        _ => Delivery::Unknown,
    };
    let mut receipt = Receipt::new(correlation, delivery);
    receipt.at = payload.time.as_deref().and_then(parse_time);
    if delivery == Delivery::Failed {
        receipt = receipt.with_failure(Blame::Provider, "the message could not be delivered");
    }
    receipt.price = payload.price.map(|price| Price::new(price.amount.to_string(), price.currency));
    receipt.network = payload.carrier_information.map(|it| Network::new(it.mcc, it.mnc));
    Ok(Receipts::new([receipt]))
}

fn signature(keys: &PublicKeys, request: &ReceiptRequest<'_>) -> Result<(), SignatureError> {
    let header = request.header(HEADER).ok_or(SignatureError::Missing)?;
    let given = header.strip_prefix(PREFIX).ok_or(SignatureError::Unreadable)?;
    // The page says the URL alphabet; the two differ in two characters.
    match keys.check(Encoding::Base64Url, &[request.body], given) {
        Err(SignatureError::Unreadable) => keys.check(Encoding::Base64, &[request.body], given),
        checked => checked,
    }
}
