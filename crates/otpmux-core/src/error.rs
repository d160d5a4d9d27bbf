use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ProviderId, seconds_rounded_up};

/// Error returned by a call.
///
/// One pointer wide. Each error states its [`kind`](Self::kind), its [`certainty`](Self::certainty)
/// and its [`blame`](Self::blame); there are no defaults, because [`next_step`](crate::next_step())
/// uses them to decide whether a message may be sent again.
///
/// `Display` is one line for an operator: the failure, what is known about the vendor's side, the
/// next step. Neither it nor `Debug` ever holds a code, a recipient or a secret; the caller of
/// [`with_detail`](Self::with_detail) or [`with_source`](Self::with_source) must keep it so.
///
/// ```
/// use std::time::Duration;
/// use otpmux_core::{Blame, Certainty, Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::RateLimited, Certainty::Rejected, Blame::Provider)
///     .with_retry_after(Duration::from_secs(42));
/// assert_eq!(
///     error.to_string(),
///     "rate limited; the vendor refused it, nothing was sent; retry after 42 s",
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    certainty: Certainty,
    blame: Blame,
    provider: Option<ProviderId>,
    detail: Cow<'static, str>,
    status: Option<u16>,
    vendor_code: Option<Box<str>>,
    request_id: Option<Box<str>>,
    retry_after: Option<Duration>,
    limit: Option<&'static str>,
    verifying: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The knowledge about the effect of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "decisions are made on exactly these three")]
pub enum Certainty {
    /// The request cannot have reached the vendor.
    NotSent,
    /// The vendor has read the request and refused it, without any effect.
    Rejected,
    /// The vendor may have carried out the request.
    Unknown,
}

impl Certainty {
    /// The word that the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// The side that caused a failure. It decides whether another vendor would do better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "decisions are made on exactly these five")]
pub enum Blame {
    /// The request is wrong; every vendor would refuse it.
    Caller,
    /// A limit or a protection against abuse refused the request; another vendor must not bypass
    /// it.
    Policy,
    /// The vendor, its account or the connection to it; another vendor may do better.
    Provider,
    /// No vendor can reach this recipient.
    Recipient,
    /// otpmux itself: the store cannot be reached, there is no randomness, a record cannot be
    /// decrypted, or the configuration is invalid. Another vendor would not help; the operator must
    /// fix it.
    Internal,
}

impl Blame {
    /// Returns the word that the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Policy => "policy",
            Self::Provider => "provider",
            Self::Recipient => "recipient",
            Self::Internal => "internal",
        }
    }
}

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is invalid.
    InvalidRequest,
    /// The vendor cannot reach this recipient.
    InvalidRecipient,
    /// The provider, or this deployment of it, does not support the request.
    Unsupported,
    /// There is no such verification or message.
    NotFound,
    /// Another item or request with the same name exists already.
    Conflict,
    /// The idempotency key was used for a request with other content.
    KeyReused,
    /// The vendor does not accept the credentials.
    Unauthenticated,
    /// The vendor knows the account, but does not permit this call.
    Forbidden,
    /// The account is empty.
    InsufficientFunds,
    /// Too many requests.
    RateLimited,
    /// A protection against fraud, of the vendor or of otpmux, refused the request.
    FraudSuspected,
    /// The vendor reports an outage, or that the operator did not accept the message.
    Unavailable,
    /// There was no answer in time.
    Timeout,
    /// The connection could not be opened, or it broke.
    Transport,
    /// The vendor's answer cannot be read.
    Protocol,
    /// The circuit of the provider is open, because too many calls have failed.
    CircuitOpen,
    /// The store cannot be reached, is full or is damaged.
    Store,
    /// The configuration is wrong.
    Configuration,
    // Must stay the last one; a test counts up to it.
    /// An internal failure that should not happen.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 19] = [
        Self::InvalidRequest,
        Self::InvalidRecipient,
        Self::Unsupported,
        Self::NotFound,
        Self::Conflict,
        Self::KeyReused,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::InsufficientFunds,
        Self::RateLimited,
        Self::FraudSuspected,
        Self::Unavailable,
        Self::Timeout,
        Self::Transport,
        Self::Protocol,
        Self::CircuitOpen,
        Self::Store,
        Self::Configuration,
        Self::Internal,
    ];

    /// Returns the word that the HTTP API, metrics and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidRecipient => "invalid_recipient",
            Self::Unsupported => "unsupported",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::KeyReused => "key_reused",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::InsufficientFunds => "insufficient_funds",
            Self::RateLimited => "rate_limited",
            Self::FraudSuspected => "fraud_suspected",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Protocol => "protocol",
            Self::CircuitOpen => "circuit_open",
            Self::Store => "store",
            Self::Configuration => "configuration",
            Self::Internal => "internal",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid request",
            Self::InvalidRecipient => "recipient cannot be reached",
            Self::Unsupported => "not supported",
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::KeyReused => "idempotency key reused",
            Self::Unauthenticated => "credentials not accepted",
            Self::Forbidden => "forbidden",
            Self::InsufficientFunds => "account is empty",
            Self::RateLimited => "rate limited",
            Self::FraudSuspected => "fraud suspected",
            Self::Unavailable => "vendor unavailable",
            Self::Timeout => "timed out",
            Self::Transport => "connection failed",
            Self::Protocol => "unreadable answer",
            Self::CircuitOpen => "circuit open after failures",
            Self::Store => "store failed",
            Self::Configuration => "wrong configuration",
            Self::Internal => "internal error",
        }
    }
}

impl Error {
    /// Creates an error with its three required properties.
    pub fn new(kind: ErrorKind, certainty: Certainty, blame: Blame) -> Self {
        Self(Box::new(Inner {
            kind,
            certainty,
            blame,
            provider: None,
            detail: Cow::Borrowed(""),
            status: None,
            vendor_code: None,
            request_id: None,
            retry_after: None,
            limit: None,
            verifying: false,
            source: None,
        }))
    }

    /// Returns the error for a call that a provider does not support: nothing was sent, and another
    /// provider may support it.
    pub fn unsupported(provider: &ProviderId, operation: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Provider)
            .with_provider(provider.clone())
            .with_detail(operation)
    }

    /// Adds the provider.
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.0.provider = Some(provider);
        self
    }

    /// Adds a short phrase on what happened, without codes, recipients and secrets. Pass a vendor's
    /// text through [`plain_words`](crate::plain_words) first.
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds the HTTP status of the vendor's answer.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Adds the vendor's error code. It is dropped unless it has at most 64 letters, `_`, `-`, `.`
    /// and at most six digits: it might be a telephone number or a key.
    pub fn with_vendor_code(mut self, code: &str) -> Self {
        let fits = (1..=64).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            && code.bytes().filter(u8::is_ascii_digit).count() <= 6;
        self.0.vendor_code = fits.then(|| code.into());
        self
    }

    /// Adds the vendor's id of the call, for its support. The caller has checked that the id
    /// repeats nothing of the request.
    pub fn with_request_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Adds the wait after which the vendor, or a limit of otpmux, allows the next call.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds the limit of otpmux that is reached: the word that configuration and metrics use, such
    /// as `recipient`.
    pub fn with_limit(mut self, limit: &'static str) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Adds the cause. Its texts must be free of codes, recipients and secrets.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Replaces the certainty. For an engine that combines calls: after an earlier send attempt of
    /// unknown outcome, a rejection leaves the outcome unknown.
    pub fn with_certainty(mut self, certainty: Certainty) -> Self {
        self.0.certainty = certainty;
        self
    }

    /// Marks the failure as one of a verify instead of a send. Changes only the words of the
    /// certainty.
    pub fn while_verifying(mut self) -> Self {
        self.0.verifying = true;
        self
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what is known about the effect at the vendor.
    pub fn certainty(&self) -> Certainty {
        self.0.certainty
    }

    /// Returns the side that caused it.
    pub fn blame(&self) -> Blame {
        self.0.blame
    }

    /// Returns the provider that was called, if any.
    pub fn provider(&self) -> Option<&ProviderId> {
        self.0.provider.as_ref()
    }

    /// Returns a short phrase on what happened; empty if the kind says everything.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the HTTP status of the vendor's answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns the vendor's error code.
    pub fn vendor_code(&self) -> Option<&str> {
        self.0.vendor_code.as_deref()
    }

    /// Returns the vendor's id of the call.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns the limit of otpmux that is reached, if any: `recipient`, `ip`, `provider` and so
    /// on.
    pub fn limit(&self) -> Option<&'static str> {
        self.0.limit
    }

    /// Returns the wait until the next call is allowed.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if let Some(provider) = &inner.provider {
            write!(f, "{provider}: ")?;
        }
        f.write_str(inner.kind.words())?;
        if !inner.detail.is_empty() {
            write!(f, " ({})", inner.detail)?;
        }
        match (inner.status, &inner.vendor_code) {
            (Some(status), Some(code)) => write!(f, " [HTTP {status}, {code}]")?,
            (Some(status), None) => write!(f, " [HTTP {status}]")?,
            (None, Some(code)) => write!(f, " [{code}]")?,
            (None, None) => {}
        }
        f.write_str(match (inner.certainty, inner.verifying) {
            (Certainty::NotSent, false) => "; nothing was sent",
            (Certainty::Rejected, false) => "; the vendor refused it, nothing was sent",
            (Certainty::Unknown, false) => "; it may have been carried out",
            (Certainty::NotSent, true) => "; the code was not checked",
            (Certainty::Rejected, true) => "; the vendor refused to check the code",
            (Certainty::Unknown, true) => "; the code may have been checked",
        })?;
        match inner.retry_after {
            Some(after) => write!(f, "; retry after {} s", seconds_rounded_up(after))?,
            None => {
                if let Some(advice) = advice(inner) {
                    write!(f, "; {advice}")?;
                }
            }
        }
        Ok(())
    }
}

fn advice(inner: &Inner) -> Option<&'static str> {
    Some(match inner.kind {
        ErrorKind::Unauthenticated | ErrorKind::Forbidden => {
            "check this provider's credentials and account"
        }
        ErrorKind::InsufficientFunds => "top up this provider's account",
        ErrorKind::Protocol => "compare the vendor's answer with its documentation",
        ErrorKind::InvalidRequest | ErrorKind::InvalidRecipient => "correct the request",
        ErrorKind::Transport if inner.certainty == Certainty::NotSent => {
            "check this provider's address, and the network"
        }
        _ => return None,
    })
}

/// Shows the text of [`Display`](fmt::Display), then the text of each source: a program whose
/// `main` returns this error prints its `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        let mut source = StdError::source(self);
        while let Some(error) = source {
            write!(f, "; caused by: {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once() {
        assert_eq!(ErrorKind::ALL.len(), ErrorKind::Internal as usize + 1);
        for (place, kind) in ErrorKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
    }

    #[test]
    fn is_one_pointer_wide_and_sendable() {
        fn sendable<T: Send + Sync + 'static>() {}
        sendable::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn display_is_one_line_without_the_source() {
        let error = Error::new(ErrorKind::Transport, Certainty::Unknown, Blame::Provider)
            .with_provider(ProviderId::new("easyotp").unwrap())
            .with_detail("reset after the request was written")
            .with_source("the source");
        assert_eq!(
            error.to_string(),
            "easyotp: connection failed (reset after the request was written); \
             it may have been carried out",
        );
        assert_eq!(error.source().unwrap().to_string(), "the source");
    }

    #[test]
    fn a_vendor_that_cannot_be_reached_comes_with_advice() {
        let error = Error::new(ErrorKind::Transport, Certainty::NotSent, Blame::Provider);
        assert_eq!(
            error.with_detail("no connection").to_string(),
            "connection failed (no connection); nothing was sent; check this provider's address, and \
             the network",
        );
    }

    #[test]
    fn an_error_of_a_verify_speaks_of_the_code() {
        for (certainty, words) in [
            (Certainty::NotSent, "store failed; the code was not checked"),
            (Certainty::Rejected, "store failed; the vendor refused to check the code"),
            (Certainty::Unknown, "store failed; the code may have been checked"),
        ] {
            let error = Error::new(ErrorKind::Store, certainty, Blame::Internal);
            assert_eq!(error.while_verifying().to_string(), words);
        }
    }

    #[test]
    fn a_vendor_code_that_might_be_a_number_or_key_is_dropped() {
        let code = |text: &str| {
            let error = Error::new(ErrorKind::Internal, Certainty::NotSent, Blame::Caller);
            error.with_vendor_code(text).vendor_code().map(str::to_owned)
        };
        assert_eq!(code("VALIDATION_ERROR").as_deref(), Some("VALIDATION_ERROR"));
        assert_eq!(code("60203").as_deref(), Some("60203"));
        assert_eq!(code("14155550123"), None);
        assert_eq!(code("sk live"), None);
        assert_eq!(code(""), None);
    }
}
