//! The events that steps make true.

use std::time::SystemTime;

use crate::events::{Happened, Reason};
use crate::store::delivery::DeliveryMark;
use crate::store::record::{Record, State};
use crate::{EventType, QueuedEvent, Unconfirmed};

/// The events that steps make true; none if the record [has none](Record::events).
impl Record {
    /// The part that [`events_since`](Self::events_since) compares, before a step.
    pub fn before(&self) -> Before {
        Before { state: self.state, guesses: self.guesses }
    }

    /// The events of a record that was just created.
    pub fn events_of_creation(&self, now: SystemTime) -> Vec<QueuedEvent> {
        self.entries(Some(Happened::to(EventType::VerificationCreated)), now)
    }

    /// The events of a step that took the record from there to here.
    pub fn events_since(&self, before: Before, now: SystemTime) -> Vec<QueuedEvent> {
        let ended = match (before.state, self.state) {
            (State::Pending, State::Approved) => {
                Some(Happened::to(EventType::VerificationApproved))
            }
            (State::Pending | State::Superseded, State::Closed) => {
                let failed = Happened::to(EventType::VerificationFailed);
                let sent = self.may_have_sent();
                Some(failed.because(if sent { Reason::CANCELLED } else { Reason::NOT_SENT }))
            }
            // While a vendor's code is out, only its vendor can say whether the last guess was wrong.
            (State::Pending, State::Pending)
                if before.guesses < self.max_guesses
                    && self.guesses >= self.max_guesses
                    && !self.vendor_code_is_out() =>
            {
                Some(Happened::to(EventType::CheckExhausted))
            }
            _ => None,
        };
        self.entries(ended, now)
    }

    /// The event of a send that ended without a confirmation.
    pub fn events_of_unconfirmed(
        &self,
        unconfirmed: Option<Unconfirmed>,
        now: SystemTime,
    ) -> Vec<QueuedEvent> {
        let happened = unconfirmed.map(|it| {
            let event = Happened::to(EventType::SendUnconfirmed);
            event.at(usize::from(it.place)).because(it.reason)
        });
        self.entries(happened, now)
    }

    /// The event of a mark that changed what is known of a message: it certainly did not arrive.
    pub fn events_of_mark(
        &self,
        place: u8,
        before: Option<DeliveryMark>,
        now: SystemTime,
    ) -> Vec<QueuedEvent> {
        let attempt = self.send_attempts.get(usize::from(place));
        let mark = attempt.and_then(|attempt| attempt.delivery);
        let happened = mark
            .filter(|mark| mark.has_failed() && !before.is_some_and(DeliveryMark::has_failed))
            .map(|mark| {
                let event = Happened::to(EventType::DeliveryFailed);
                event.at(usize::from(place)).because(mark.delivery())
            });
        self.entries(happened, now)
    }

    fn entries(&self, happened: Option<Happened>, now: SystemTime) -> Vec<QueuedEvent> {
        let Some((terms, happened)) = self.events.as_deref().zip(happened) else {
            return Vec::new();
        };
        terms.entries(self.id, &happened, now).collect()
    }
}

/// What events compare with the record after a step.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    state: State,
    guesses: u32,
}
