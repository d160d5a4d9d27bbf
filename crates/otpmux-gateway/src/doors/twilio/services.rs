//! Services. They are in the configuration; these calls serve clients that make or show one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use otpmux::http::signature::Encoding;
use otpmux::provider::{Clock as _, SystemClock};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::failure::Failure;
use super::form::Form;
use super::session::{Session, TwilioCaller};
use super::views;
use crate::app::App;

/// A service, as far as the gateway knows one.
#[derive(Debug, Serialize)]
struct ServiceView<'a> {
    sid: &'a str,
    account_sid: Option<&'a str>,
    friendly_name: Option<&'a str>,
    code_length: u8,
    date_created: Option<String>,
    date_updated: Option<String>,
    url: Option<String>,
}

/// Makes a service. Without services in the configuration, any SID is one: the same name gets the
/// same SID.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    session: TwilioCaller,
    mut form: Form,
) -> Result<Response, Failure> {
    let name = form.required("FriendlyName")?;
    if !session.door.services.is_empty() {
        return Err(Failure::forbidden(
            "The services are in the configuration of this gateway, under `services`",
        ));
    }
    let hex = Encoding::Hex.encode(&Sha256::digest(&name));
    let sid = format!("VA{}", &hex[..32]);
    let now = Some(views::time(SystemClock.now()));
    let view = ServiceView {
        sid: &sid,
        account_sid: session.account.as_deref(),
        friendly_name: Some(&name),
        code_length: app.settings().capabilities.code_length(),
        date_created: now.clone(),
        date_updated: now,
        url: url(&session.door, &sid),
    };
    Ok(views::created(&view))
}

/// Shows a service.
pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    session: Session,
) -> Result<Response, Failure> {
    let view = ServiceView {
        sid: &session.service,
        account_sid: session.account.as_deref(),
        friendly_name: Some(session.purpose.as_str()),
        code_length: app.settings().capabilities.code_length(),
        date_created: None,
        date_updated: None,
        url: url(&session.door, &session.service),
    };
    Ok(views::found(&view))
}

fn url(door: &super::Settings, sid: &str) -> Option<String> {
    Some(format!("{}/v2/Services/{sid}", door.url.as_deref()?))
}
