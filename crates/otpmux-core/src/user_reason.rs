use crate::{Blame, Certainty, Error, ErrorKind, Verdict};

/// The reason to show to an end user: a small stable set, so that translators need one text per
/// variant and language. Derived from an [`Error`] or, with [`Verdict::user_reason`], from a
/// verdict.
///
/// ```
/// use otpmux_core::{UserReason, Verdict};
///
/// let verdict = Verdict::WrongCode { guesses_left: Some(2) };
/// let text = match verdict.user_reason() {
///     None => "Welcome.",
///     Some(UserReason::WrongCode) => "This code is wrong. Try again.",
///     Some(UserReason::CodeExpired | UserReason::StartAgain) => "Please ask for a new code.",
///     Some(_) => "Please try again later.",
/// };
/// assert_eq!(text, "This code is wrong. Try again.");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UserReason {
    /// The code is wrong, and the user may try another one.
    WrongCode,
    /// The code has expired. Offer a new one.
    CodeExpired,
    /// The code was used before. Offer a new one.
    CodeUsed,
    /// Too many wrong codes. Offer a new code, after `retry_after` if there is one.
    TooManyGuesses,
    /// No code is valid any more, or the vendor refused it. Offer a new one.
    StartAgain,
    /// The number or address is not valid, or gets no messages from this service.
    CheckRecipient,
    /// Too many messages were requested. Show how long to wait.
    TooManyMessages,
    /// A message may be on its way. Let the user type the code, and offer a resend.
    MaybeSent,
    /// Nothing was sent, for a reason that the user cannot change. Offer to try again later.
    TryLater,
}

impl UserReason {
    /// Returns the identifier, such as `wrong_code`: a key for translations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongCode => "wrong_code",
            Self::CodeExpired => "code_expired",
            Self::CodeUsed => "code_used",
            Self::TooManyGuesses => "too_many_guesses",
            Self::StartAgain => "start_again",
            Self::CheckRecipient => "check_recipient",
            Self::TooManyMessages => "too_many_messages",
            Self::MaybeSent => "maybe_sent",
            Self::TryLater => "try_later",
        }
    }
}

impl From<&Error> for UserReason {
    fn from(error: &Error) -> Self {
        match (error.certainty(), error.kind(), error.blame()) {
            (Certainty::Unknown, _, blame) if blame != Blame::Internal => Self::MaybeSent,
            (_, ErrorKind::InvalidRecipient, _) | (_, _, Blame::Recipient) => Self::CheckRecipient,
            (_, ErrorKind::RateLimited, Blame::Policy) => Self::TooManyMessages,
            (_, ErrorKind::NotFound, Blame::Caller) => Self::StartAgain,
            _ => Self::TryLater,
        }
    }
}

impl Verdict {
    /// Returns the reason for the user; `None` if the code was approved.
    pub fn user_reason(&self) -> Option<UserReason> {
        Some(match self {
            Self::Approved => return None,
            Self::WrongCode { guesses_left: Some(0) } | Self::TooManyGuesses { .. } => {
                UserReason::TooManyGuesses
            }
            Self::WrongCode { .. } => UserReason::WrongCode,
            Self::Expired => UserReason::CodeExpired,
            Self::AlreadyUsed => UserReason::CodeUsed,
            Self::NotFound | Self::Gone | Self::Rejected => UserReason::StartAgain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Blame as B, Certainty as C, ErrorKind as K, UserReason as R};

    #[test]
    fn an_error_has_one_reason_that_does_not_mislead() {
        let of = |kind, certainty, blame| UserReason::from(&Error::new(kind, certainty, blame));
        for (kind, certainty, blame, reason) in [
            (K::Timeout, C::Unknown, B::Provider, R::MaybeSent),
            (K::Store, C::Unknown, B::Internal, R::TryLater),
            (K::InvalidRecipient, C::NotSent, B::Caller, R::CheckRecipient),
            (K::Unavailable, C::Rejected, B::Recipient, R::CheckRecipient),
            (K::RateLimited, C::NotSent, B::Policy, R::TooManyMessages),
            (K::RateLimited, C::Rejected, B::Provider, R::TryLater),
            (K::NotFound, C::NotSent, B::Caller, R::StartAgain),
            (K::InsufficientFunds, C::Rejected, B::Provider, R::TryLater),
        ] {
            assert_eq!(of(kind, certainty, blame), reason, "{kind:?} {certainty:?} {blame:?}");
        }
    }

    #[test]
    fn only_an_approval_has_no_reason() {
        assert_eq!(Verdict::Approved.user_reason(), None);
        let last = Verdict::WrongCode { guesses_left: Some(0) };
        assert_eq!(last.user_reason(), Some(UserReason::TooManyGuesses));
        assert_eq!(Verdict::Rejected.user_reason(), Some(UserReason::StartAgain));
    }
}
