use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use otpmux::admin::Choice;
use otpmux::{Channel, Resend, Verification, VerificationStatus};
use serde_json::{Value, json};

use super::failure::Failure;
use super::json;
use super::session::Session;
use crate::answer::Answer;
use crate::app::App;

/// The metadata that keeps the channels of a workflow.
const WORKFLOW: &str = "door.workflow";

/// Goes on to the next channel of the workflow: a resend by it.
pub(super) async fn next(
    State(app): State<Arc<App>>,
    session: Session,
    body: Body,
) -> Result<Answer<Value>, Failure> {
    // Clients send nothing, or null.
    json::read(body).await?;
    let id = session.id()?;
    let found = session.client.status(id).await?;
    if found.status != VerificationStatus::Pending {
        return Err(Failure::no_such_request());
    }
    let channel = next_channel(&found);
    let channel = channel.ok_or_else(|| Failure::conflict("the workflow has no further step"))?;
    let client = session.client.clone();
    let resend = Resend::new().by(channel);
    app.to_the_end(async move { client.resend(id, resend).await }).await?;
    Ok(Answer(json!({})))
}

/// Returns the metadata for a workflow.
pub(super) fn note(channels: &[Channel]) -> (String, String) {
    let words: Vec<_> = channels.iter().map(Channel::as_str).collect();
    (WORKFLOW.to_owned(), words.join(","))
}

/// The channel after that of the newest message.
fn next_channel(found: &Verification) -> Option<Channel> {
    let workflow: Vec<_> = found.metadata.get(WORKFLOW)?.split(',').collect();
    let mut next = 1;
    for attempt in &found.send_attempts {
        // Each step after the first is a resend, or came by itself. A route may escalate otherwise.
        let is_step = match attempt.reason {
            Choice::Resend => true,
            Choice::Escalation => workflow.get(next) == Some(&attempt.channel.as_str()),
            _ => false,
        };
        next += usize::from(is_step);
    }
    workflow.get(next)?.parse().ok()
}
