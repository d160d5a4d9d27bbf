use std::time::Duration;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};

/// The meaning of a call's result for its provider's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The provider works.
    Success,
    /// The provider fails.
    Failure(ErrorKind, Option<Duration>),
    /// The provider will fail until an operator corrects the account.
    OpensAtOnce(ErrorKind, Option<Duration>),
    /// Says nothing about the provider.
    Ignored,
}

/// Classifies the result of a call for its provider's health. A failure that depends on one request
/// alone must not open the circuit: otherwise any user who requests codes could open it.
pub(super) fn classify<T>(result: &Result<T, Error>) -> Outcome {
    use ErrorKind as K;
    let Err(error) = result else { return Outcome::Success };
    let (kind, hint) = (error.kind(), error.retry_after());
    if error.blame() == Blame::Internal {
        return Outcome::Ignored;
    }
    if error.blame() != Blame::Provider {
        // Only a provider that has read a request can reject it.
        let at_work = error.certainty() == Certainty::Rejected;
        return if at_work { Outcome::Success } else { Outcome::Ignored };
    }
    match (kind, error.certainty()) {
        // The failure was on this side, before anything was sent.
        (K::Configuration, Certainty::NotSent) => Outcome::Ignored,
        _ if is_of_the_account(kind) => Outcome::OpensAtOnce(kind, hint),
        // Rate limits and unsupported calls say nothing about the provider's health.
        (K::RateLimited | K::Unsupported | K::CircuitOpen, _)
        // The failure was on this side, before anything was sent.
        | (K::Store | K::Internal, Certainty::NotSent)
        // About this request or recipient only; another vendor may do better.
        | (
            K::InvalidRequest | K::InvalidRecipient | K::NotFound | K::Conflict | K::KeyReused
            | K::FraudSuspected,
            Certainty::NotSent | Certainty::Rejected,
        ) => Outcome::Ignored,
        _ => Outcome::Failure(kind, hint),
    }
}

/// Whether a failure is about the account (credentials, permission, money), not about the vendor.
pub(super) fn is_of_the_account(kind: ErrorKind) -> bool {
    use ErrorKind::{Configuration, Forbidden, InsufficientFunds, Unauthenticated};
    // With `Configuration`, the vendor does not do what it was asked, for every user.
    matches!(kind, Unauthenticated | Forbidden | InsufficientFunds | Configuration)
}

/// Whether the cause of such a failure may be the process that saw it: nothing came back, so its
/// own network may be down.
pub(super) fn may_be_ones_own(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Timeout | ErrorKind::Transport)
}
