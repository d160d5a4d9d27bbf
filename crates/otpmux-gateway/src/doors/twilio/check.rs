use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use otpmux::provider::{Clock as _, SystemClock};
use otpmux::{Code, Selector, Verdict, Verify};

use super::create::{recipient, shown};
use super::failure::Failure;
use super::form::Form;
use super::session::Session;
use super::sid::{self, Named};
use super::views::{self, CheckView};
use crate::app::App;

/// Checks a code.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    session: Session,
    mut form: Form,
) -> Result<Response, Failure> {
    let code = form.take("Code")?.ok_or_else(|| Failure::missing("Code"))?;
    let to = form.take("To")?.map(|to| recipient(&to, &app.client)).transpose()?;
    let named = form.take("VerificationSid")?;
    let payment = "this gateway cannot bind a code to a payment";
    form.refuse("Amount", payment)?;
    form.refuse("Payee", payment)?;
    form.ignore_others(&session.door);
    // Before anything is looked up, so that the answer reveals nothing.
    let code = code.parse::<Code>().map_err(Failure::not_a_code)?;
    let mut verify = Verify::new().for_purpose(session.purpose.clone());
    let address = to.as_ref().map(shown);
    let which = match (named, to) {
        (Some(named), to) => {
            verify.recipient = to;
            let Some(Named::Verification(id)) = sid::read(&named) else {
                return Err(Failure::not_found());
            };
            Selector::from(id)
        }
        (None, Some(to)) => Selector::recipient(to, session.purpose.clone()),
        (None, None) => return Err(Failure::missing("To")),
    };
    let checked = session.client.check(which, &code, verify).await?;
    let valid = match checked.verdict {
        Verdict::Approved => true,
        Verdict::WrongCode { .. } | Verdict::Rejected => false,
        Verdict::TooManyGuesses { retry_after } => {
            return Err(Failure::too_many_checks(retry_after));
        }
        // Expired, used, superseded, cancelled, or never there.
        _ => return Err(Failure::not_found()),
    };
    let view = CheckView::of(&session, checked.id, address.as_deref(), valid);
    Ok(views::created(&view.at(SystemClock.now())))
}
