use otpmux::{Code, Verdict, Verify};
use serde::Serialize;

use super::failure::Failure;
use super::id;
use super::json::Json;
use super::session::Session;
use crate::answer::Answer;

/// The answer to a right code.
#[derive(Debug, Serialize)]
pub(super) struct Checked {
    request_id: String,
    status: &'static str,
}

/// Checks a code. A wrong one is an error to Vonage's clients.
pub(super) async fn check(session: Session, mut body: Json) -> Result<Answer<Checked>, Failure> {
    let code = body.required("code", 64);
    let code = code.and_then(|code| match code.parse::<Code>() {
        Ok(code) => Some(code),
        Err(error) => {
            body.mistake("code", format_args!("{error}; nothing was checked"));
            None
        }
    });
    // Before the id is looked up, so that the answer reveals nothing about it.
    let code = body.finish(code)?;
    let id = session.id()?;
    let verify = Verify::new().for_purpose(session.purpose.clone());
    match session.client.verify_with(id, &code, verify).await? {
        Verdict::Approved => Ok(Answer(Checked { request_id: id::write(id), status: "completed" })),
        Verdict::WrongCode { .. } | Verdict::Rejected => Err(Failure::wrong_code()),
        Verdict::TooManyGuesses { retry_after } => Err(Failure::too_many_guesses(retry_after)),
        // Expired, used, superseded, cancelled, or never there.
        _ => Err(Failure::no_such_request()),
    }
}
