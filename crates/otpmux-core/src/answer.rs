use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::VendorReference;

/// A send that the vendor accepted. That is no promise of delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// What to hand back on verify, resend, cancel and status.
    pub reference: Option<VendorReference>,
    /// The vendor's id of this call, for talking to its support.
    pub request_id: Option<String>,
    /// When the vendor's code expires. Says nothing about a code that otpmux generated.
    pub expires_at: Option<SystemTime>,
    /// How many tries the vendor gives.
    pub guesses_left: Option<u32>,
    /// Where the message is, as far as the vendor says; `None` means accepted.
    pub delivery: Option<Delivery>,
}

impl Sent {
    /// Accepted, and nothing more is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what to hand back on verify, resend, cancel and status.
    pub fn with_reference(mut self, reference: VendorReference) -> Self {
        self.reference = Some(reference);
        self
    }
}

/// The answer to a verify. Everything but [`Approved`](Verdict::Approved) means "do not let in".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The code is right; it will not be approved again.
    Approved,
    /// The code is wrong.
    WrongCode {
        /// How many tries are left, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        guesses_left: Option<u32>,
    },
    /// The code was good once; its time is over.
    Expired,
    /// The code was approved before.
    AlreadyUsed,
    /// Too many wrong codes: no further code is looked at, the right one neither.
    TooManyGuesses {
        /// When a try may be made again; `None` means that a new send is needed.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<Duration>,
    },
    /// There is no such verification, or it is gone: never existed, superseded, cancelled, expired
    /// long ago. Some vendors give this answer for used and exhausted ones too.
    NotFound,
    /// The vendor says no without a reason that we know.
    Rejected,
}

impl Verdict {
    /// The one question that matters.
    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Approved)
    }

    /// What somebody who is not known may be told: yes or no, without a reason. Whether a
    /// verification exists, has expired or was used helps whoever guesses; a signed-in user or a
    /// service of one's own may see the verdict itself.
    ///
    /// ```
    /// use otpmux_core::Verdict;
    /// assert_eq!(Verdict::Expired.without_reason(), Verdict::NotFound.without_reason());
    /// assert!(Verdict::Approved.without_reason().is_approved());
    /// ```
    pub fn without_reason(self) -> Self {
        if self.is_approved() { self } else { Self::Rejected }
    }

    /// The word that the HTTP API and logs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::WrongCode { .. } => "wrong_code",
            Self::Expired => "expired",
            Self::AlreadyUsed => "already_used",
            Self::TooManyGuesses { .. } => "too_many_guesses",
            Self::NotFound => "not_found",
            Self::Rejected => "rejected",
        }
    }
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delivery {
    /// The vendor has it.
    Accepted,
    /// The vendor has handed it to the operator.
    Sent,
    /// It is on the handset or in the mailbox.
    Delivered,
    /// It did not arrive and will not.
    Failed,
    /// It was given up for being too old.
    Expired,
    /// The vendor uses a word that we do not know.
    Unknown,
}

impl Delivery {
    /// The word that the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// What the vendor knows about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Where the message is.
    pub delivery: Delivery,
    /// When it was delivered.
    pub delivered_at: Option<SystemTime>,
    /// Why it failed, in the vendor's plain words (see [`plain_words`](crate::plain_words)).
    pub failure: Option<String>,
}

impl Status {
    /// A status without details.
    pub fn new(delivery: Delivery) -> Self {
        Self { delivery, delivered_at: None, failure: None }
    }
}

/// What is left in the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Balance {
    /// The amount as the vendor writes it: an exact decimal number, never a float.
    pub amount: String,
    /// The currency, such as `INR`; `None` where the vendor counts credits.
    pub currency: Option<String>,
}

impl Balance {
    /// An amount as the vendor writes it.
    pub fn new(amount: impl Into<String>, currency: Option<String>) -> Self {
        Self { amount: amount.into(), currency }
    }
}

/// What became of a cancel at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancellation {
    /// The vendor's code is void.
    Cancelled,
    /// The vendor does not cancel yet.
    TooEarly {
        /// When it will.
        retry_after: Option<Duration>,
    },
    /// The vendor does not cancel any more.
    TooLate,
}
