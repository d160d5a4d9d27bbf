//! Reads webhooks. Their bodies hold the number, and the code if otpmux made it.

use otpmux_core::{
    Blame, Certainty, Correlation, Delivery, Error, ErrorKind, Network, ProviderId, Receipt,
    ReceiptRequest, Receipts, VendorReference,
};
use otpmux_http::parse_time;
use otpmux_http::signature::{
    DEFAULT_WINDOW, Encoding, PublicKeys, SignatureError, check_fresh, check_secret_in_url,
};
use serde::Deserialize;

use crate::config::Proof;
use crate::wire::Envelope;

const SIGNATURE: &str = "telnyx-signature-ed25519";
const TIMESTAMP: &str = "telnyx-timestamp";

// Neither type has `Debug`, and none keeps the number or the code.
#[derive(Deserialize)]
struct Event {
    occurred_at: Option<String>,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    id: Option<String>,
    delivery_status: Option<String>,
    mccmnc: Option<String>,
}

/// Checks and reads a request.
pub(crate) fn read(
    provider: &ProviderId,
    proof: &Proof,
    request: &ReceiptRequest<'_>,
) -> Result<Receipts, Error> {
    let checked = match proof {
        Proof::Signature(keys) => signature(keys, request),
        Proof::SecretInUrl(secrets) => check_secret_in_url(secrets, request),
    };
    checked.map_err(|error| error.at(provider))?;
    let event: Envelope<Event> = serde_json::from_slice(request.body).map_err(|_| {
        Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)
            .with_provider(provider.clone())
            .with_detail("no event of Telnyx Verify")
    })?;
    let Event { occurred_at, payload } = event.data;
    // Other events say how a verification ended.
    let (Some(id), Some(state)) = (payload.id, payload.delivery_status) else {
        return Ok(Receipts::default());
    };
    let (delivery, is_final, failure) = match state.as_str() {
        "sent" => (Delivery::Sent, false, None),
        "delivered" => (Delivery::Delivered, true, None),
        "sending_failed" => (Delivery::Failed, true, Some("Telnyx could not send it")),
        "delivery_failed" => (Delivery::Failed, true, Some("the operator did not deliver it")),
        "delivery_unconfirmed" => (Delivery::Unknown, true, None),
        _ => (Delivery::Unknown, false, None),
    };
    let correlation = Correlation::Reference(VendorReference::new(id));
    let mut receipt = Receipt::new(correlation, delivery);
    receipt.is_final = is_final;
    receipt.at = occurred_at.as_deref().and_then(parse_time);
    if let Some(detail) = failure {
        receipt = receipt.with_failure(Blame::Provider, detail);
    }
    receipt.network = payload.mccmnc.as_deref().and_then(Network::joined);
    Ok(Receipts::new([receipt]))
}

fn signature(keys: &PublicKeys, request: &ReceiptRequest<'_>) -> Result<(), SignatureError> {
    let given = request.header(SIGNATURE).zip(request.header(TIMESTAMP));
    let (signature, timestamp) = given.ok_or(SignatureError::Missing)?;
    keys.check(Encoding::Base64, &[timestamp.as_bytes(), b"|", request.body], signature)?;
    check_fresh(timestamp, request.at, DEFAULT_WINDOW)
}
