//! The line that a send leaves in the log.

use otpmux_core::{Certainty, Channel, Error};
use tokio::time::Instant;

use super::{Verification, metrics};
use crate::VerificationId;
use crate::record::{AttemptState, SendAttempt};

/// What a line is made of, besides what the send came to. Nothing of it is personal.
pub(super) struct Line<'a> {
    pub(super) id: VerificationId,
    /// The place of the rule that decided.
    pub(super) route: usize,
    /// The send attempts of this send, which is not the first of its verification where there were others
    /// before.
    pub(super) send_attempts: &'a [SendAttempt],
    pub(super) again: bool,
    pub(super) channel: &'a Channel,
    pub(super) begun: Instant,
}

impl Line<'_> {
    /// Writes it, at level info.
    pub(super) fn write(&self, result: &Result<Verification, Error>) {
        let carried = |attempt: &&SendAttempt| attempt.state == AttemptState::Accepted;
        let attempt = self.send_attempts.iter().rfind(carried).or(self.send_attempts.last());
        let certainty = match result {
            Ok(sent) if sent.confirmed => "none",
            Ok(_) => Certainty::Unknown.as_str(),
            Err(error) => error.certainty().as_str(),
        };
        tracing::info!(
            verification = %self.id,
            call = if self.again { "resend" } else { "send" },
            route = self.route + 1,
            provider = attempt.map_or("none", |attempt| attempt.provider.as_str()),
            channel = self.channel.as_str(),
            outcome = metrics::outcome(result),
            certainty,
            milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            send_attempts = self.send_attempts.len(),
            "send ended"
        );
    }
}
