use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use otpmux::Outcome;

use super::failure::Failure;
use super::form::Form;
use super::session::Session;
use super::sid::{self, Named};
use super::views::{self, Shown, VerificationView};
use crate::app::App;

/// Ends a verification.
pub(super) async fn update(
    State(_): State<Arc<App>>,
    session: Session,
    mut form: Form,
) -> Result<Response, Failure> {
    let status = form.required("Status")?;
    form.ignore_others(&session.door);
    let approved = match status.as_str() {
        "canceled" => false,
        "approved" => true,
        _ => return Err(Failure::invalid("Status", "must be approved or canceled")),
    };
    match sid::read(&session.sid) {
        Some(Named::Verification(_)) if approved => Err(Failure::invalid(
            "Status",
            "a verification is approved by a check of its code; only one with a `CustomCode` is \
             approved by its status",
        )),
        Some(Named::Verification(id)) => {
            if !session.client.cancel(id).await? {
                return Err(Failure::not_found());
            }
            let ended = session.client.status(id).await?;
            Ok(views::found(&VerificationView::known(&session, &ended)))
        }
        Some(Named::Delivery(id)) => {
            let known = session.client.delivery(id).await?;
            let outcome = if approved { Outcome::Approved } else { Outcome::Cancelled };
            if !session.client.end_delivery(id, outcome).await? {
                return Err(Failure::not_found());
            }
            let shown = Shown::delivery(&known, if approved { "approved" } else { "canceled" });
            Ok(views::found(&VerificationView::known(&session, shown)))
        }
        None => Err(Failure::not_found()),
    }
}
