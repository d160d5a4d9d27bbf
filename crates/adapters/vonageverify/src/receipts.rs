//! Vonage's webhooks: a signed report on a step, and on the whole request.

use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, Correlation, Delivery, Error, ErrorKind, ProviderId, Receipt, ReceiptRequest,
    Receipts, VendorReference,
};
use otpmux_http::parse_time;
use otpmux_http::signature::{
    Digest, Encoding, ReceiptSecrets, SignatureError, check_jwt_hs256, digest, same,
};
use serde_json::Value;

use crate::wire::Webhook;

/// Vonage repeats a webhook that was not answered 2xx, and does not say whether it signs it anew.
/// An old one changes nothing, so the window is wide.
const WINDOW: Duration = Duration::from_hours(24);

/// The keys that the webhooks of one account are checked against.
pub(crate) struct Receiver<'a> {
    pub(crate) provider: &'a ProviderId,
    pub(crate) secrets: &'a ReceiptSecrets,
    pub(crate) api_key: Option<&'a str>,
    /// Whether another step may follow a failed one.
    pub(crate) has_fallback: bool,
}

impl Receiver<'_> {
    pub(crate) fn read(&self, request: &ReceiptRequest<'_>) -> Result<Receipts, Error> {
        self.check(request).map_err(|error| error.at(self.provider))?;
        let object = request.body.trim_ascii_start().first() == Some(&b'{');
        let webhook: Option<Webhook> =
            object.then(|| serde_json::from_slice(request.body).ok()).flatten();
        let webhook = webhook.ok_or_else(|| {
            Error::new(ErrorKind::Protocol, Certainty::NotSent, Blame::Caller)
                .with_provider(self.provider.clone())
                .with_detail("the receipt is not as documented")
        })?;
        Ok(Receipts::new(self.receipt(&webhook)))
    }

    /// Checks the signature, and that it is one over this body.
    fn check(&self, request: &ReceiptRequest<'_>) -> Result<(), SignatureError> {
        let token = request.header("authorization").ok_or(SignatureError::Missing)?;
        let claims = check_jwt_hs256(self.secrets, token, request.at, WINDOW)?;
        let hash = claims.get("payload_hash").and_then(Value::as_str);
        let hash = Encoding::Hex.decode(hash.ok_or(SignatureError::Missing)?);
        let hash = hash.ok_or(SignatureError::Unreadable)?;
        if !same(&hash, &digest(Digest::Sha256, &[request.body])) {
            return Err(SignatureError::Mismatch);
        }
        let account = claims.get("api_key").and_then(Value::as_str);
        match account.zip(self.api_key) {
            Some((signed, ours)) if signed != ours => Err(SignatureError::Mismatch),
            _ => Ok(()),
        }
    }

    /// Returns what a webhook says about the message; `None` if that is nothing. The states are
    /// those of the verification: only a user who has typed the code proves a delivery.
    fn receipt(&self, webhook: &Webhook) -> Option<Receipt> {
        let is_summary = webhook.kind.as_deref() == Some("summary");
        let receipt = |delivery| Some(Receipt::new(correlation(webhook)?, delivery));
        let mut receipt = match webhook.status.as_deref()? {
            // A user who refuses has read the message.
            "completed" | "user_rejected" => receipt(Delivery::Delivered)?,
            "failed" | "rejected" => receipt(Delivery::Failed)?
                .with_failure(Blame::Provider, "Vonage could not deliver the message"),
            // `expired`: the user typed no code, with or without a message. The list is open.
            _ => return None,
        };
        receipt.is_final =
            is_summary || receipt.delivery == Delivery::Delivered || !self.has_fallback;
        let at = webhook.finalized_at.as_ref().or(webhook.triggered_at.as_ref());
        Some(receipt.with_time(at.and_then(|at| parse_time(at.as_str()?))))
    }
}

/// Returns the message: by the token of otpmux, or else by Vonage's id of the request.
fn correlation(webhook: &Webhook) -> Option<Correlation> {
    let token = webhook.client_ref.as_ref().and_then(Value::as_str);
    let is_token = |text: &&str| {
        text.len() == 39 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    match token.filter(is_token) {
        Some(token) => Some(Correlation::Token(token.to_owned())),
        None => Some(Correlation::Reference(VendorReference::new(webhook.request_id.as_deref()?))),
    }
}
