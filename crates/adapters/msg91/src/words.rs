//! The texts of MSG91's answers. The vendor publishes no list of them and no code for them: each is
//! known from programs that compare it (see the golden files).

use otpmux_core::{Blame, Certainty, ErrorKind};
use otpmux_http::Reading;

/// The meaning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The code is right.
    Verified,
    WrongCode,
    Expired,
    /// The code was right before. Some answers call that a success; it is none.
    AlreadyVerified,
    /// There is no code for the number, for whatever reason.
    Gone,
    TooManyGuesses,
    /// The limit on resends to one number.
    TooManyResends,
    BadRecipient,
    BadKey,
    /// The key does not accept the address of this machine.
    AddressBlocked,
    NoBalance,
}

impl Word {
    /// Reads a text, without regard to case, underscores and a full stop at the end.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let plain = text.trim().trim_end_matches('.').to_ascii_lowercase().replace('_', " ");
        Some(match plain.as_str() {
            "otp verified success" => Self::Verified,
            "otp not match" | "otp not verified" | "invalid otp" => Self::WrongCode,
            "otp expired" => Self::Expired,
            "mobile no. already verified" | "already verified" | "otp already verified" => {
                Self::AlreadyVerified
            }
            "mobile no. not found"
            | "no otp request found to retryotp"
            | "no request found"
            | "last otp request on this number is invalid" => Self::Gone,
            "max limit reached for this otp verification" => Self::TooManyGuesses,
            "otp retry count maxed out" | "max retry count exceeded" => Self::TooManyResends,
            "mobile no. empty or not numeric"
            | "mobile number empty or not numeric"
            | "please enter atleast one number to send sms"
            | "invalid mobile number" => Self::BadRecipient,
            "invalid authkey"
            | "auth key missing"
            | "authentication failure"
            | "authenticationfailure"
            | "unauthorized" => Self::BadKey,
            "ipblocked" | "ip blocked" => Self::AddressBlocked,
            _ if plain.contains("insufficient balance") => Self::NoBalance,
            _ => return None,
        })
    }

    /// Returns the row of the error table for a send or a resend.
    pub(crate) fn reading(self) -> Reading {
        match self {
            Self::BadKey => Reading::provider(ErrorKind::Unauthenticated),
            Self::AddressBlocked => Reading::provider(ErrorKind::Forbidden),
            Self::NoBalance => Reading::provider(ErrorKind::InsufficientFunds),
            Self::BadRecipient => {
                Reading::new(ErrorKind::InvalidRecipient, Certainty::Rejected, Blame::Recipient)
            }
            // The recipient's own limit: another vendor must not be a way around it.
            Self::TooManyResends => Reading::policy(ErrorKind::RateLimited),
            Self::Gone | Self::Expired | Self::AlreadyVerified => {
                Reading::provider(ErrorKind::NotFound)
            }
            // No answer to a send or a resend.
            Self::Verified | Self::WrongCode | Self::TooManyGuesses => {
                Reading::unknown(ErrorKind::Protocol)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_underscores_and_the_full_stop_do_not_matter() {
        for (text, word) in [
            ("OTP verified success", Word::Verified),
            ("otp expired", Word::Expired),
            ("otp_expired", Word::Expired),
            ("OTP EXPIRED.", Word::Expired),
            ("already_verified", Word::AlreadyVerified),
            ("Please enter atleast one number to send sms.", Word::BadRecipient),
            ("max_limit_reached_for_this_otp_verification", Word::TooManyGuesses),
        ] {
            assert_eq!(Word::of(text), Some(word), "{text}");
        }
    }

    #[test]
    fn a_text_that_only_contains_a_known_one_is_unknown() {
        for text in ["", "success", "not OTP verified success", "OTP verified success?", "verified"]
        {
            assert_eq!(Word::of(text), None, "{text}");
        }
    }
}
