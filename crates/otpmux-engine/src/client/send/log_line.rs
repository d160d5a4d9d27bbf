//! The log line of a send.

use otpmux_core::{Certainty, Channel, Error};
use tokio::time::Instant;

use crate::client::{Verification, metrics};
use crate::store::record::{AttemptState, SendAttempt};
use crate::{Choice, VerificationId};

/// The fields of the line, besides the result of the send. None of them is personal.
pub(in crate::client) struct LogLine<'a> {
    pub(in crate::client) id: VerificationId,
    /// Index of the route that applied.
    pub(in crate::client) route: usize,
    /// The send attempts of this send. If earlier ones exist, this send is not the first of its
    /// verification.
    pub(in crate::client) send_attempts: &'a [SendAttempt],
    pub(in crate::client) again: bool,
    pub(in crate::client) channel: &'a Channel,
    pub(in crate::client) begun: Instant,
}

impl LogLine<'_> {
    /// Writes it, at level info.
    pub(in crate::client) fn write(&self, result: &Result<Verification, Error>) {
        let carried = |attempt: &&SendAttempt| attempt.state == AttemptState::Accepted;
        let attempt = self.send_attempts.iter().rfind(carried).or(self.send_attempts.last());
        let certainty = match result {
            Ok(sent) if sent.confirmed => "none",
            Ok(_) => Certainty::Unknown.as_str(),
            Err(error) => error.certainty().as_str(),
        };
        let first = self.send_attempts.first();
        let escalates = first.is_some_and(|first| first.reason == Choice::Escalation);
        let call = match (self.id.is_delivery(), self.again) {
            _ if escalates => "escalate",
            (false, false) => "send",
            (false, true) => "resend",
            (true, false) => "deliver",
            (true, true) => "redeliver",
        };
        tracing::info!(
            verification = %self.id,
            call,
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
