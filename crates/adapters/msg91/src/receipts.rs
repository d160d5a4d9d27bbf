//! Reads delivery reports: MSG91's webhook of version 2 (a form whose field `data` is JSON) and of
//! version 3 (JSON). Version 4 does not say which message it is about.

use std::borrow::Cow;

use otpmux_core::{
    Blame, Certainty, Correlation, Delivery, Error, ErrorKind, Price, ProviderId, Receipt,
    ReceiptRequest, Receipts, VendorReference,
};
use otpmux_http::signature::{ReceiptSecrets, check_secret_in_url};
use serde_json::Value;

/// Checks and reads a request. MSG91 signs nothing: the secret is in the URL that the operator has
/// entered in its console.
pub(crate) fn read(
    provider: &ProviderId,
    secrets: &ReceiptSecrets,
    request: &ReceiptRequest<'_>,
) -> Result<Receipts, Error> {
    check_secret_in_url(secrets, request).map_err(|error| error.at(provider))?;
    let unreadable = || {
        Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)
            .with_provider(provider.clone())
            .with_detail("no delivery report of version 2 or 3; set the version in MSG91's console")
    };
    reports(request.body).map(Receipts::new).ok_or_else(unreadable)
}

fn reports(body: &[u8]) -> Option<Vec<Receipt>> {
    let json: Cow<'_, [u8]> = if body.trim_ascii_start().first().is_some_and(|b| b"[{".contains(b))
    {
        Cow::Borrowed(body)
    } else {
        let (_, data) = url::form_urlencoded::parse(body).find(|(name, _)| name == "data")?;
        Cow::Owned(data.into_owned().into_bytes())
    };
    let batch: Value = serde_json::from_slice(&json).ok()?;
    let requests = match &batch {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found = Vec::new();
    for request in requests {
        let id = text(&request["requestId"])?;
        match request.get("report").and_then(Value::as_array) {
            Some(reports) => {
                for report in reports {
                    found.push(receipt(&id, report)?);
                }
            }
            None => found.push(receipt(&id, request)?),
        }
    }
    Some(found)
}

fn receipt(id: &str, report: &Value) -> Option<Receipt> {
    // The help page lists these states; an unknown one is a state, too.
    let (delivery, failure) = match text(&report["status"])?.as_str() {
        "1" => (Delivery::Delivered, None),
        "2" => (Delivery::Failed, Some((Blame::Provider, "the operator did not deliver it"))),
        "9" => (
            Delivery::Failed,
            Some((
                Blame::Recipient,
                "the number is on India's list against \
                 advertising (NDNC)",
            )),
        ),
        "16" | "25" => (Delivery::Failed, Some((Blame::Provider, "rejected"))),
        "17" => (Delivery::Failed, Some((Blame::Recipient, "the number is blocked"))),
        _ => (Delivery::Unknown, None),
    };
    let correlation = Correlation::Reference(VendorReference::new(id));
    let mut receipt = Receipt::new(correlation, delivery);
    if let Some((blame, detail)) = failure {
        receipt = receipt.with_failure(blame, detail);
    }
    // The currency of the account, which the report does not name. `date` has no time zone.
    receipt.price = text(&report["amount"]).map(|amount| Price::new(amount, None));
    Some(receipt)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
    .filter(|text| !text.is_empty())
}
