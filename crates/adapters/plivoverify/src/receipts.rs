//! Reads status callbacks. Plivo signs the URL and not the body, so only the token in the URL, which
//! otpmux has made for the message, proves anything.

use std::collections::HashMap;

use otpmux_core::{
    Blame, Certainty, Correlation, Delivery, Error, ErrorKind, ProviderId, Receipt, ReceiptRequest,
    Receipts,
};
use otpmux_http::signature::token_in_url;

use crate::read::delivery;

/// Checks and reads a request.
pub(crate) fn read(provider: &ProviderId, request: &ReceiptRequest<'_>) -> Result<Receipts, Error> {
    let token = token_in_url(request).map_err(|error| error.at(provider))?;
    let fields: HashMap<_, _> = url::form_urlencoded::parse(request.body).collect();
    let state = fields.get("ChannelStatus").filter(|state| !state.is_empty());
    let Some(state) = state else {
        return if fields.contains_key("SessionUUID") {
            // The end of a session, which is no news about a message.
            Ok(Receipts::default())
        } else {
            Err(Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)
                .with_provider(provider.clone())
                .with_detail("no status callback of Plivo Verify"))
        };
    };
    let mut receipt = Receipt::new(Correlation::Token(token), delivery(state));
    // A voice call that is answered can still end otherwise; an SMS that failed cannot.
    if receipt.delivery == Delivery::Failed {
        receipt = receipt.with_failure(Blame::Provider, "the operator did not deliver it");
    }
    Ok(Receipts::new([receipt]))
}
