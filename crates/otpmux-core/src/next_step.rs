use std::time::Duration;

use crate::{Blame, Certainty, Error, ErrorKind};

/// The situation of a failed send: everything besides the error that the decision needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a new fact must be thought about by every caller")]
pub struct Situation {
    /// Another provider that was not tried yet could send this.
    pub another_provider: bool,
    /// This provider may be retried: retries and time are left.
    pub may_retry: bool,
    /// The vendor is known to honour idempotency keys.
    pub idempotent: bool,
    /// otpmux generated the code, so every message carries the same one.
    pub otpmux_code: bool,
    /// How many duplicates may still be sent.
    pub duplicates_left: u32,
}

/// The next step after a failed send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all the things that may happen")]
pub enum NextStep {
    /// Return the error to the caller.
    Stop,
    /// Send by the next provider, with the same code if otpmux generated it.
    NextProvider,
    /// Send by this provider again, with the same idempotency key.
    RetryHere {
        /// The earliest retry.
        after: Option<Duration>,
    },
    /// Return the verification as unconfirmed: the code may arrive.
    Keep,
}

/// Decides the next step after a failed send. Every failover and every retry uses this function.
///
/// | blame | certainty | next |
/// |---|---|---|
/// | caller, policy, recipient, internal | any | stop: another provider would not do better, or must not bypass a limit |
/// | provider | not sent, rejected | next provider; else retry here if not sent, or if `retry_after` is known; else stop |
/// | provider | unknown, idempotent | retry here; if no retry is left, as below |
/// | provider | unknown, otpmux-generated code, a duplicate left | next provider, same code; else keep |
/// | provider | unknown otherwise | keep |
///
/// An engine that stops after an earlier send attempt of unknown outcome must also report that to
/// its caller, because the code of that send attempt may arrive.
pub fn next_step(error: &Error, situation: &Situation) -> NextStep {
    if error.blame() != Blame::Provider {
        return NextStep::Stop;
    }
    if error.certainty() == Certainty::Unknown {
        // A retry would fail again if the vendor is configured wrongly.
        let wrongly_set_up = error.kind() == ErrorKind::Configuration;
        if situation.idempotent && situation.may_retry && !wrongly_set_up {
            return NextStep::RetryHere { after: error.retry_after() };
        }
        let may_duplicate = situation.otpmux_code && situation.duplicates_left > 0;
        return if may_duplicate && situation.another_provider {
            NextStep::NextProvider
        } else {
            NextStep::Keep
        };
    }
    if situation.another_provider {
        return NextStep::NextProvider;
    }
    let worth_it = error.certainty() == Certainty::NotSent || error.retry_after().is_some();
    if worth_it && situation.may_retry {
        NextStep::RetryHere { after: error.retry_after() }
    } else {
        NextStep::Stop
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOBODY: Situation = Situation {
        another_provider: false,
        may_retry: false,
        idempotent: false,
        otpmux_code: false,
        duplicates_left: 0,
    };
    const EVERYTHING: Situation = Situation {
        another_provider: true,
        may_retry: true,
        idempotent: true,
        otpmux_code: true,
        duplicates_left: 1,
    };

    fn step(blame: Blame, certainty: Certainty, situation: Situation) -> NextStep {
        next_step(&Error::new(ErrorKind::Unavailable, certainty, blame), &situation)
    }

    #[test]
    fn the_table() {
        use Blame::{Caller, Internal, Policy, Provider, Recipient};
        use Certainty::{NotSent, Rejected, Unknown};
        use NextStep::{Keep, NextProvider, RetryHere, Stop};
        let here = RetryHere { after: None };
        let alone = Situation { another_provider: false, ..EVERYTHING };
        let no_key = Situation { idempotent: false, ..EVERYTHING };
        let tried = Situation { may_retry: false, ..EVERYTHING };
        let vendors_code = Situation { otpmux_code: false, ..no_key };
        let no_duplicate = Situation { duplicates_left: 0, ..no_key };
        for (blame, certainty, situation, expected) in [
            (Caller, NotSent, EVERYTHING, Stop),
            (Policy, Rejected, EVERYTHING, Stop),
            (Recipient, Rejected, EVERYTHING, Stop),
            (Policy, Unknown, EVERYTHING, Stop),
            (Internal, NotSent, EVERYTHING, Stop),
            (Internal, Unknown, EVERYTHING, Stop),
            (Provider, NotSent, EVERYTHING, NextProvider),
            (Provider, Rejected, EVERYTHING, NextProvider),
            (Provider, NotSent, alone, here),
            (Provider, Rejected, alone, Stop),
            (Provider, NotSent, NOBODY, Stop),
            (Provider, Unknown, EVERYTHING, here),
            (Provider, Unknown, tried, NextProvider),
            (Provider, Unknown, no_key, NextProvider),
            (Provider, Unknown, vendors_code, Keep),
            (Provider, Unknown, no_duplicate, Keep),
            (Provider, Unknown, NOBODY, Keep),
        ] {
            let got = step(blame, certainty, situation);
            assert_eq!(got, expected, "{blame:?} {certainty:?} {situation:?}");
        }
    }

    #[test]
    fn a_refusal_with_a_time_is_retried_without_another_provider() {
        let after = Duration::from_secs(2);
        let error = Error::new(ErrorKind::RateLimited, Certainty::Rejected, Blame::Provider)
            .with_retry_after(after);
        let alone = Situation { may_retry: true, ..NOBODY };
        assert_eq!(next_step(&error, &alone), NextStep::RetryHere { after: Some(after) });
    }

    fn any_error() -> impl Strategy<Value = Error> {
        use Blame::{Caller, Internal, Policy, Provider, Recipient};
        use Certainty::{NotSent, Rejected, Unknown};
        let blame = prop::sample::select(vec![Caller, Policy, Provider, Recipient, Internal]);
        let certainty = prop::sample::select(vec![NotSent, Rejected, Unknown]);
        (blame, certainty, any::<Option<u16>>()).prop_map(|(blame, certainty, after)| {
            let error = Error::new(ErrorKind::Unavailable, certainty, blame);
            match after {
                Some(secs) => error.with_retry_after(Duration::from_secs(secs.into())),
                None => error,
            }
        })
    }

    prop_compose! {
        fn any_situation()(
            (another_provider, may_retry, idempotent, otpmux_code, duplicates_left) in
                any::<(bool, bool, bool, bool, u32)>()
        ) -> Situation {
            Situation { another_provider, may_retry, idempotent, otpmux_code, duplicates_left }
        }
    }

    proptest! {
        #[test]
        fn rule_1_no_second_send_here_after_unknown_without_a_key(
            error in any_error(), situation in any_situation()
        ) {
            let again = matches!(next_step(&error, &situation), NextStep::RetryHere { .. });
            if error.certainty() == Certainty::Unknown && !situation.idempotent {
                prop_assert!(!again);
            }
            prop_assert!(!again || situation.may_retry);
        }

        #[test]
        fn rule_2_no_duplicate_beyond_the_allowed(
            error in any_error(), situation in any_situation()
        ) {
            let next = next_step(&error, &situation) == NextStep::NextProvider;
            if next && error.certainty() == Certainty::Unknown {
                prop_assert!(situation.duplicates_left > 0 && situation.otpmux_code);
            }
        }

        #[test]
        fn rule_3_only_a_providers_fault_reaches_another_provider(
            error in any_error(), situation in any_situation()
        ) {
            let step = next_step(&error, &situation);
            if error.blame() != Blame::Provider {
                prop_assert_eq!(step, NextStep::Stop);
            }
            prop_assert!(step != NextStep::NextProvider || situation.another_provider);
        }

        #[test]
        fn a_providers_unknown_outcome_is_never_called_a_failure(
            error in any_error(), situation in any_situation()
        ) {
            if error.certainty() == Certainty::Unknown && error.blame() == Blame::Provider {
                prop_assert_ne!(next_step(&error, &situation), NextStep::Stop);
            }
        }
    }
}
