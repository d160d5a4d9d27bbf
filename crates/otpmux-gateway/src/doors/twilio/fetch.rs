use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::failure::Failure;
use super::session::Session;
use super::sid::{self, Named};
use super::views::{self, VerificationView};
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
        None => Err(Failure::not_found()),
    }
}
