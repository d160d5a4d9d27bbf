use std::time::Duration;

use otpmux_core::Code;

/// The rules that hold for every verification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Digits of a code, where we make it. Default 6.
    pub code_length: u8,
    /// Allow codes of fewer than six digits, which can be guessed. Default no.
    pub allow_short_codes: bool,
    /// How long a code is good for, counted from the first send and not renewed by a resend.
    /// Default 5 minutes, at most 10.
    pub lifetime: Duration,
    /// Wrong codes before a verification is locked. Default 5.
    pub attempts: u32,
    /// Messages that may go out beyond the one that the user needs, when it is unknown whether that
    /// one did. Default 1.
    pub duplicates: u32,
    /// Further tries at one provider within one leg. Default 2.
    pub retries: u32,
    /// The pause before the first further try; it doubles with each. Default 250 ms.
    pub retry_pause: Duration,
    /// How long a whole send may take, over all providers. Default 20 s.
    pub deadline: Duration,
    /// How long a user must wait before a resend. Default 30 s.
    pub resend_delay: Duration,
    /// Resends of one verification. Default 4.
    pub resends: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            code_length: 6,
            allow_short_codes: false,
            lifetime: Duration::from_mins(5),
            attempts: 5,
            duplicates: 1,
            retries: 2,
            retry_pause: Duration::from_millis(250),
            deadline: Duration::from_secs(20),
            resend_delay: Duration::from_secs(30),
            resends: 4,
        }
    }
}

/// A policy that cannot be, or that would not be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The length of codes.
    #[error("code_length must be 6 to 10; 4 and 5 need allow_short_codes = true")]
    CodeLength,
    /// The lifetime of codes.
    #[error("lifetime must be from 30 s to 10 m")]
    Lifetime,
    /// The attempt budget.
    #[error("attempts must be 1 to 10")]
    Attempts,
    /// The duplicates.
    #[error("duplicates must be 0 to 3")]
    Duplicates,
    /// The deadline.
    #[error("deadline must be from 1 s to 2 m")]
    Deadline,
    /// The resends.
    #[error("resends must be at most 10")]
    Resends,
    /// The retries.
    #[error("retries must be at most 10")]
    Retries,
    /// The pause before a retry.
    #[error("retry_pause must be at most 1 m")]
    RetryPause,
    /// The pause before a resend.
    #[error("resend_delay must be at most 1 h")]
    ResendDelay,
}

impl Policy {
    /// The longest lifetime of a code that reaches its user out of band (NIST SP 800-63B).
    pub const MAX_LIFETIME: Duration = Duration::from_mins(10);
    /// The shortest lifetime: a message takes its time.
    pub const MIN_LIFETIME: Duration = Duration::from_secs(30);

    pub(crate) fn check(&self) -> Result<(), PolicyError> {
        self.check_code_length(self.code_length)?;
        Self::check_lifetime(self.lifetime)?;
        let rules = [
            ((1..=10).contains(&self.attempts), PolicyError::Attempts),
            (self.duplicates <= 3, PolicyError::Duplicates),
            (
                (Duration::from_secs(1)..=Duration::from_mins(2)).contains(&self.deadline),
                PolicyError::Deadline,
            ),
            (self.resends <= 10, PolicyError::Resends),
            (self.retries <= 10, PolicyError::Retries),
            (self.retry_pause <= Duration::from_mins(1), PolicyError::RetryPause),
            (self.resend_delay <= Duration::from_hours(1), PolicyError::ResendDelay),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, error)| Err(error))
    }

    pub(crate) fn check_code_length(&self, length: u8) -> Result<(), PolicyError> {
        let shortest = if self.allow_short_codes { Code::MIN_LENGTH } else { 6 };
        if (shortest..=Code::MAX_LENGTH).contains(&length) {
            Ok(())
        } else {
            Err(PolicyError::CodeLength)
        }
    }

    pub(crate) fn check_lifetime(lifetime: Duration) -> Result<(), PolicyError> {
        if (Self::MIN_LIFETIME..=Self::MAX_LIFETIME).contains(&lifetime) {
            Ok(())
        } else {
            Err(PolicyError::Lifetime)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_holds() {
        assert_eq!(Policy::default().check(), Ok(()));
    }

    #[test]
    fn sec_02_short_codes_need_their_flag() {
        let mut policy = Policy { code_length: 4, ..Policy::default() };
        assert_eq!(policy.check(), Err(PolicyError::CodeLength));
        policy.allow_short_codes = true;
        assert_eq!(policy.check(), Ok(()));
    }

    #[test]
    fn refuses_what_is_not_safe() {
        for (policy, error) in [
            (
                Policy { lifetime: Duration::from_secs(601), ..Policy::default() },
                PolicyError::Lifetime,
            ),
            (Policy { attempts: 0, ..Policy::default() }, PolicyError::Attempts),
            (Policy { duplicates: 4, ..Policy::default() }, PolicyError::Duplicates),
            (Policy { deadline: Duration::ZERO, ..Policy::default() }, PolicyError::Deadline),
            (Policy { retry_pause: Duration::MAX, ..Policy::default() }, PolicyError::RetryPause),
            (Policy { resend_delay: Duration::MAX, ..Policy::default() }, PolicyError::ResendDelay),
        ] {
            assert_eq!(policy.check(), Err(error));
        }
    }
}
