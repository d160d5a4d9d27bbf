use http::StatusCode;

use super::failure::Failure;
use super::session::Session;

/// Ends a verification: its code is not valid any more.
pub(super) async fn cancel(session: Session) -> Result<StatusCode, Failure> {
    let id = session.id()?;
    if session.client.cancel(id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Failure::no_such_request())
    }
}
