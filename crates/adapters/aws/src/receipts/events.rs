use otpmux_core::{
    Blame, Correlation, Delivery, Network, Price, Receipt, VendorReference, plain_words,
};
use otpmux_http::parse_time;
use serde_json::Value;

use crate::time::from_millis;
use crate::{ses, sms};

/// Reads an event of SMS or of SES. `None` if it is neither; empty if it says nothing about delivery.
pub(super) fn read(message: &str) -> Option<Vec<Receipt>> {
    // A topic that is subscribed by the console is sent such a text.
    let event: Value = serde_json::from_str(message).ok()?;
    let receipt = match event.get("mail") {
        Some(mail) => mail_event(&event, mail)?,
        None => text_event(&event)?,
    };
    Some(receipt.into_iter().collect())
}

/// An SMS event: `eventType` and `messageId` beside each other.
#[expect(clippy::option_option, reason = "unreadable, or of no use here")]
fn text_event(event: &Value) -> Option<Option<Receipt>> {
    let kind = event["eventType"].as_str()?.strip_prefix("TEXT_")?;
    let (delivery, blame) = match kind {
        "QUEUED" => (Delivery::Accepted, None),
        // The operator has it; in some countries this is the last word.
        "PENDING" | "SENT" | "SUCCESSFUL" => (Delivery::Sent, None),
        "DELIVERED" => (Delivery::Delivered, None),
        "INVALID" | "UNREACHABLE" => (Delivery::Failed, Some(Blame::Recipient)),
        "TTL_EXPIRED" => (Delivery::Expired, Some(Blame::Provider)),
        "PROTECT_BLOCKED" => (Delivery::Failed, Some(Blame::Policy)),
        "BLOCKED" | "CARRIER_BLOCKED" | "CARRIER_UNREACHABLE" | "INVALID_MESSAGE" | "SPAM" => {
            (Delivery::Failed, Some(Blame::Provider))
        }
        _ => (Delivery::Unknown, None),
    };
    let token = event["context"][sms::CONTEXT_KEY].as_str();
    let correlation = correlation(token, event["messageId"].as_str())?;
    let described = event["messageStatusDescription"].as_str().unwrap_or_default();
    let mut receipt = Receipt::new(correlation, delivery);
    receipt.is_final = event["isFinal"].as_bool().unwrap_or(false);
    receipt.at = event["eventTimestamp"].as_u64().and_then(from_millis);
    if let Some(blame) = blame {
        receipt = receipt.with_failure(blame, plain_words(described));
    }
    let price = event["totalMessagePrice"].as_number();
    receipt.price = price.map(|price| Price::new(price.to_string(), Some("USD".to_owned())));
    let network = event["mcc"].as_str();
    receipt.network =
        network.map(|mcc| Network::new(mcc, event["mnc"].as_str().map(str::to_owned)));
    Some(Some(receipt))
}

/// An event of SES: the mail, and an object of the event's own name.
#[expect(clippy::option_option, reason = "unreadable, or of no use here")]
fn mail_event(event: &Value, mail: &Value) -> Option<Option<Receipt>> {
    let kind = event.get("eventType").or_else(|| event.get("notificationType"))?.as_str()?;
    let (delivery, is_final, blame, object) = match kind {
        "Send" => (Delivery::Accepted, false, None, "send"),
        "DeliveryDelay" => (Delivery::Sent, false, None, "deliveryDelay"),
        // The server of the mailbox has it.
        "Delivery" => (Delivery::Delivered, true, None, "delivery"),
        "Bounce" => {
            let permanent = event["bounce"]["bounceType"] != "Undetermined";
            let blame = if permanent { Blame::Recipient } else { Blame::Provider };
            (Delivery::Failed, true, Some(blame), "bounce")
        }
        "Reject" | "Rendering Failure" => (Delivery::Failed, true, Some(Blame::Provider), "reject"),
        // Complaints, opens and clicks say nothing about delivery.
        _ => return Some(None),
    };
    let token = mail["tags"][ses::TAG][0].as_str();
    let correlation = correlation(token, mail["messageId"].as_str())?;
    let said = match kind {
        "Bounce" => event["bounce"]["bounceSubType"].as_str(),
        _ => event["reject"]["reason"].as_str(),
    };
    let mut receipt = Receipt::new(correlation, delivery);
    receipt.is_final = is_final;
    receipt.at =
        event[object]["timestamp"].as_str().or(mail["timestamp"].as_str()).and_then(parse_time);
    if let Some(blame) = blame {
        receipt = receipt.with_failure(blame, plain_words(said.unwrap_or_default()));
    }
    Some(Some(receipt))
}

/// The token finds the send attempt even if the answer with its id was lost.
fn correlation(token: Option<&str>, reference: Option<&str>) -> Option<Correlation> {
    token
        .map(|token| Correlation::Token(token.to_owned()))
        .or_else(|| reference.map(|id| Correlation::Reference(VendorReference::new(id))))
}
