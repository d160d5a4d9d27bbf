use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use otpmux::CodeDeliveryStatus;

use super::failure::Failure;
use super::session::Session;
use super::sid::{self, Named};
use super::views::{self, Shown, VerificationView};
use crate::app::App;

/// Shows a verification.
pub(super) async fn fetch(
    State(_): State<Arc<App>>,
    session: Session,
) -> Result<Response, Failure> {
    match sid::read(&session.sid) {
        Some(Named::Verification(id)) => {
            let found = session.client.status(id).await?;
            Ok(views::found(&VerificationView::known(&session, &found)))
        }
        Some(Named::Delivery(id)) => {
            let found = session.client.delivery(id).await?;
            // How it ended is the caller's own news, and not kept.
            if found.status != CodeDeliveryStatus::Pending {
                return Err(Failure::not_found());
            }
            let shown = Shown::delivery(&found, "pending");
            Ok(views::found(&VerificationView::known(&session, shown)))
        }
        None => Err(Failure::not_found()),
    }
}
