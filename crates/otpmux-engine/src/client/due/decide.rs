use std::time::{Duration, SystemTime};

use otpmux_core::Delivery;

use crate::{EscalationStep, Record, SendAttempt};

/// What a process does about a verification that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Begin its next step.
    Begin,
    /// Look at it again at this time.
    Wait(SystemTime),
    /// No step begins any more.
    Never,
}

/// Decides about a verification whose time has come, by its record alone: when the time comes is what
/// [`Record::due_at`] says. `deadline` is how long a send may take.
pub(super) fn decide(
    record: &Record,
    steps: &[EscalationStep],
    now: SystemTime,
    deadline: Duration,
) -> Decision {
    let Some(step) = steps.get(usize::from(record.escalations)) else { return Decision::Never };
    let acted = !record.awaits_step(record.escalations);
    if acted || record.over(now).is_some() || now + EscalationStep::LEFT > record.expires_at {
        return Decision::Never;
    }
    let wait = |at: SystemTime| {
        let late = at + EscalationStep::LEFT > record.expires_at;
        if late { Decision::Never } else { Decision::Wait(at) }
    };
    // A send that is under way may still go to its next provider by itself.
    if let Some(ends_at) = record.under_way_until(now) {
        return wait(ends_at);
    }
    // The user may have it, and needs longer to look.
    let delivered = |attempt: &SendAttempt| {
        attempt.delivery.is_some_and(|mark| mark.delivery() == Delivery::Delivered)
    };
    let newest = record.newest_out();
    if newest.is_some_and(delivered)
        && let Some(begun) = newest.and_then(|newest| newest.ends_at.checked_sub(deadline))
        && now < begun + 2 * step.after
    {
        return wait(begun + 2 * step.after);
    }
    Decision::Begin
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Channel, IdempotencyKey, OsEntropy, ProviderId, Purpose};

    use super::*;
    use crate::{AttemptState, Choice, DeliveryMark, RecipientHash, Sealed, State, VerificationId};

    const DEADLINE: Duration = Duration::from_secs(20);

    /// In seconds after the send.
    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds)
    }

    fn attempt(begun: u64, state: AttemptState) -> SendAttempt {
        SendAttempt {
            provider: ProviderId::new("a").unwrap(),
            reason: Choice::Preferred,
            channel: Channel::Sms,
            otpmux_code: true,
            key: IdempotencyKey::generate(&OsEntropy).unwrap(),
            ends_at: at(begun) + DEADLINE,
            state,
            failure: None,
            reference: None,
            vendor: None,
            delivery: None,
        }
    }

    /// Sent at 0 and accepted, valid until 300.
    fn record() -> Record {
        Record {
            id: VerificationId::from_bytes([2; 16]),
            recipient: RecipientHash([0; 32]),
            purpose: Purpose::default(),
            external: None,
            state: State::Pending,
            supersedes: None,
            code: None,
            code_length: Some(6),
            expires_at: at(300),
            guesses: 0,
            max_guesses: 5,
            resends: 0,
            resend_after: at(30),
            due_at: Some(at(30)),
            due_after_end: None,
            escalations: 0,
            sealed: Sealed { key: "k".into(), bytes: Box::default() },
            send_attempts: vec![attempt(0, AttemptState::Accepted)],
            skips: Vec::new(),
            request: None,
            events: None,
        }
    }

    fn marked(mut record: Record, delivery: Delivery, is_final: bool) -> Record {
        let newest = record.send_attempts.last_mut().unwrap();
        newest.delivery = Some(DeliveryMark::new(delivery, at(3), is_final));
        record
    }

    fn with(change: impl FnOnce(&mut Record)) -> Record {
        let mut record = record();
        change(&mut record);
        record
    }

    #[test]
    fn twenty_situations() {
        use Decision::{Begin, Never, Wait};
        let steps = [
            EscalationStep::next(Duration::from_secs(30)),
            EscalationStep::by(Channel::Voice, Duration::from_secs(60)),
        ];
        let steps = &steps[..];
        let second = |begun| {
            with(|record| {
                record.escalations = 1;
                record.send_attempts.push(attempt(begun, AttemptState::Accepted));
            })
        };
        let under_way = |begun| {
            with(|record| record.send_attempts = vec![attempt(begun, AttemptState::Intended)])
        };
        let situations = [
            ("its time has come", record(), steps, 30, Begin),
            ("the code was typed", with(|it| it.state = State::Approved), steps, 30, Never),
            ("it was cancelled", with(|it| it.state = State::Closed), steps, 30, Never),
            ("a newer one was sent", with(|it| it.state = State::Superseded), steps, 30, Never),
            ("it has expired", record(), steps, 300, Never),
            ("60 s are left", record(), steps, 240, Begin),
            ("less than 60 s are left", record(), steps, 241, Never),
            ("a wrong code was typed", with(|it| it.guesses = 1), steps, 30, Never),
            ("the user asked for another message", with(|it| it.resends = 1), steps, 30, Never),
            ("the route has no steps any more", record(), &[], 30, Never),
            ("the second step", second(31), steps, 91, Begin),
            ("all steps began", with(|it| it.escalations = 2), steps, 91, Never),
            ("the send is still under way", under_way(15), steps, 30, Wait(at(35))),
            ("its process died in the call", under_way(0), steps, 30, Begin),
            (
                "its outcome is unknown",
                with(|it| it.send_attempts[0].state = AttemptState::Unknown),
                steps,
                30,
                Begin,
            ),
            ("the vendor sent it", marked(record(), Delivery::Sent, false), steps, 30, Begin),
            ("delivered", marked(record(), Delivery::Delivered, true), steps, 30, Wait(at(60))),
            ("delivered long ago", marked(record(), Delivery::Delivered, true), steps, 60, Begin),
            ("not delivered", marked(record(), Delivery::Failed, true), steps, 4, Begin),
            (
                "delivered, and the doubled wait leaves too little time",
                marked(second(130), Delivery::Delivered, true),
                steps,
                190,
                Never,
            ),
            (
                "an earlier message was delivered, and the newest was not",
                {
                    let mut record = marked(record(), Delivery::Delivered, true);
                    record.escalations = 1;
                    record.send_attempts.push(attempt(60, AttemptState::Accepted));
                    marked(record, Delivery::Expired, true)
                },
                steps,
                75,
                Begin,
            ),
        ];
        for (situation, record, steps, now, expected) in situations {
            assert_eq!(decide(&record, steps, at(now), DEADLINE), expected, "{situation}");
        }
    }
}
