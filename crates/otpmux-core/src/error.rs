use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ProviderId;

/// A call that did not bring an answer.
///
/// One pointer wide. Whoever makes one states its [`kind`](Self::kind), its
/// [`certainty`](Self::certainty) and its [`blame`](Self::blame); there are no defaults, since
/// [`next_step`](crate::next_step()) decides by them whether a message may go out again.
///
/// `Display` is one line for an operator: what failed, what is known about the vendor's side, what
/// to do next. Neither it nor `Debug` ever holds a code, a recipient or a secret, and whoever adds
/// a [`detail`](Self::with_detail) or a [`source`](Self::with_source) keeps it so.
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

/// What we know about the effect of a failed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "decisions are made on exactly these three")]
pub enum Certainty {
    /// The request cannot have reached the vendor.
    NotSent,
    /// The vendor has read the request and said no: it did nothing.
    Rejected,
    /// The vendor may or may not have done it.
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

/// Whose fault a failure is, that is: would another vendor do better?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "decisions are made on exactly these five")]
pub enum Blame {
    /// The request is wrong; it would be wrong everywhere.
    Caller,
    /// A limit or a protection against abuse said no; going elsewhere would be a way around it.
    Policy,
    /// The vendor, its account or the way to it; another vendor may do better.
    Provider,
    /// This recipient cannot be reached, by anybody.
    Recipient,
    /// Our own side: the store is out of reach, there is no randomness, a record cannot be decrypted,
    /// the configuration does not fit. Another vendor would not mend it; the operator must.
    Internal,
}

impl Blame {
    /// The word that the HTTP API and logs use.
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

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request does not fit.
    InvalidRequest,
    /// The vendor cannot reach this recipient.
    InvalidRecipient,
    /// The provider, or this deployment of it, cannot do what was asked.
    Unsupported,
    /// There is no such verification or message.
    NotFound,
    /// Something of the same name is already there or under way.
    Conflict,
    /// The idempotency key was used for a request of other content.
    KeyReused,
    /// The vendor does not accept the credentials.
    Unauthenticated,
    /// The vendor knows the account and does not let it do this.
    Forbidden,
    /// The account is empty.
    InsufficientFunds,
    /// Too many requests.
    RateLimited,
    /// The vendor's or our own protection against fraud said no.
    FraudSuspected,
    /// The vendor says that it is out of order, or that the operator did not take the message.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// The connection could not be made, or broke.
    Transport,
    /// The vendor answered something that cannot be read as an answer.
    Protocol,
    /// Left alone for now: too many calls to this provider have failed.
    CircuitOpen,
    /// The store is out of reach, full or damaged.
    Store,
    /// The configuration is wrong.
    Configuration,
    // Stays the last one; a test counts up to it.
    /// Something that should not happen on our own side.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of their declaration.
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

    /// The word that the HTTP API, metrics and logs use.
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
            Self::CircuitOpen => "left alone after failures",
            Self::Store => "store failed",
            Self::Configuration => "wrong configuration",
            Self::Internal => "internal error",
        }
    }
}

impl Error {
    /// A failure, with the three things that must be known about it.
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

    /// What a provider answers to a call that it does not claim: nothing was sent, and another
    /// provider may be able to.
    pub fn unsupported(provider: &ProviderId, operation: &'static str) -> Self {
        Self::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Provider)
            .with_provider(provider.clone())
            .with_detail(operation)
    }

    /// Names the provider.
    pub fn with_provider(mut self, provider: ProviderId) -> Self {
        self.0.provider = Some(provider);
        self
    }

    /// Adds what happened, in one short phrase free of codes, recipients and secrets. A vendor's
    /// text goes through [`plain_words`](crate::plain_words) first.
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Adds the HTTP status of the vendor's answer.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Adds the vendor's own error code. Anything but up to 64 letters, `_`, `-`, `.` and up to six
    /// digits is dropped: it might be a number or a key.
    pub fn with_vendor_code(mut self, code: &str) -> Self {
        let fits = (1..=64).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            && code.bytes().filter(u8::is_ascii_digit).count() <= 6;
        self.0.vendor_code = fits.then(|| code.into());
        self
    }

    /// Adds the vendor's id of the call, for talking to its support. The caller has made sure that
    /// it repeats nothing of the request.
    pub fn with_request_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Adds when the vendor, or our own limit, may be asked again.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds which limit of ours is reached: the word that configuration and metrics use, such as
    /// `recipient`.
    pub fn with_limit(mut self, limit: &'static str) -> Self {
        self.0.limit = Some(limit);
        self
    }

    /// Adds the cause. Its texts must be free of codes, recipients and secrets.
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Replaces the certainty. For an engine that knows more than one call did: a refusal after an
    /// earlier try of unknown outcome leaves the outcome unknown.
    pub fn with_certainty(mut self, certainty: Certainty) -> Self {
        self.0.certainty = certainty;
        self
    }

    /// Says that the check of a code has failed, and not a send. Changes the words of the certainty,
    /// and nothing else.
    pub fn while_verifying(mut self) -> Self {
        self.0.verifying = true;
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is known about the effect at the vendor.
    pub fn certainty(&self) -> Certainty {
        self.0.certainty
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        self.0.blame
    }

    /// The provider that was called, if one was.
    pub fn provider(&self) -> Option<&ProviderId> {
        self.0.provider.as_ref()
    }

    /// What happened, in one short phrase; empty when the kind says it all.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The HTTP status of the vendor's answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The vendor's own error code.
    pub fn vendor_code(&self) -> Option<&str> {
        self.0.vendor_code.as_deref()
    }

    /// The vendor's id of the call.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Which limit of ours is reached, if that is what it is: `recipient`, `client`, `provider` and so
    /// on.
    pub fn limit(&self) -> Option<&'static str> {
        self.0.limit
    }

    /// When to come back.
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
            // Rounded up: coming back too early is refused again.
            Some(after) => write!(f, "; retry after {} s", after.as_millis().div_ceil(1000))?,
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
        _ => return None,
    })
}

/// The text of [`Display`](fmt::Display), then that of each source: a program whose `main` returns
/// this error prints its `Debug`.
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
