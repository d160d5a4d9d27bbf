//! The live verification of a recipient, for operators who have no id.

use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, Error, IdempotencyKey, ProviderId, Purpose, Recipient};

use super::inner::{Inner, no_entropy};
use crate::{
    AttemptState, Choice, Create, Created, Lost, RecipientHash, Record, RecordOutcome, SendAttempt,
    State, VerificationId,
};

/// How long a store must remember that the creation below was given up.
const REMEMBERED: Duration = Duration::from_mins(1);

impl Inner {
    /// A verify by recipient would count a guess. A creation that may repeat a live verification
    /// returns it; this one is given up before it is made, so without a live one nothing is written.
    pub(super) async fn live(
        &self,
        recipient: &Recipient,
        purpose: &Purpose,
    ) -> Result<Option<VerificationId>, Error> {
        self.ensure_same_keys().await?;
        let now = self.clock.now();
        let id = VerificationId::generate(&*self.entropy).map_err(no_entropy)?;
        let given_up = RecordOutcome {
            close: true,
            lost: Some(Lost::Creation(now + REMEMBERED)),
            ..RecordOutcome::default()
        };
        self.store.record_outcome(id, given_up, now).await?;
        let mut live: Option<Box<Record>> = None;
        for hash in self.keys.hashes(recipient) {
            let record = self.never_written(id, hash, purpose, now)?;
            let create =
                Create { record, external: Vec::new(), limit_hits: Vec::new(), repeat: true };
            match self.store.create(create, now).await? {
                // Another spelling has the same place, and may be another mailbox.
                Created::Live(found)
                    if found.recipient == hash
                        && live.as_ref().is_none_or(|live| live.expires_at < found.expires_at) =>
                {
                    live = Some(found);
                }
                // A store that forgets so soon. Nothing was superseded, since nothing was live.
                Created::New(_) => drop(self.store.cancel(id, now).await?),
                _ => {}
            }
        }
        Ok(live.map(|live| live.id))
    }

    /// A record in the form of any other, without a code.
    fn never_written(
        &self,
        id: VerificationId,
        recipient: RecipientHash,
        purpose: &Purpose,
        now: SystemTime,
    ) -> Result<Record, Error> {
        let sealed = self.keys.seal(id, purpose, b"", &*self.entropy).map_err(no_entropy)?;
        let attempt = SendAttempt {
            provider: NONE.parse::<ProviderId>().map_err(super::inner::invalid)?,
            reason: Choice::Preferred,
            channel: Channel::Sms,
            otpmux_code: false,
            key: IdempotencyKey::from_random(id.to_bytes()),
            ends_at: now,
            state: AttemptState::Intended,
            failure: None,
            reference: None,
            vendor: None,
            delivery: None,
        };
        Ok(Record {
            id,
            recipient,
            purpose: purpose.clone(),
            external: None,
            state: State::Pending,
            supersedes: None,
            code: None,
            code_length: None,
            expires_at: now + REMEMBERED,
            guesses: 0,
            max_guesses: self.policy.max_guesses,
            resends: 0,
            resend_after: now,
            due_at: None,
            due_after_end: None,
            escalations: 0,
            sealed,
            send_attempts: vec![attempt],
            skips: Vec::new(),
            request: None,
            events: None,
        })
    }
}

/// The provider of the send attempt that is never written.
const NONE: &str = "none";
