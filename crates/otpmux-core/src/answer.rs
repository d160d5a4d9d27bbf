use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::VendorReference;

/// A send that the vendor accepted. This does not guarantee delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The reference to pass to verify, resend, cancel and status.
    pub reference: Option<VendorReference>,
    /// The id of the message in the vendor's receipts, where it is not the
    /// [`reference`](Self::reference).
    pub receipt_reference: Option<VendorReference>,
    /// The vendor's id of this call, for its support.
    pub request_id: Option<String>,
    /// When the vendor's code expires. Says nothing about a code that otpmux generated.
    pub expires_at: Option<SystemTime>,
    /// Guesses left at the vendor.
    pub guesses_left: Option<u32>,
    /// The delivery of the message, as far as the vendor reports it; `None` means accepted.
    pub delivery: Option<Delivery>,
}

impl Sent {
    /// Returns an accepted send without further details.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the reference to pass to verify, resend, cancel and status.
    pub fn with_reference(mut self, reference: VendorReference) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Adds the id of the message in the vendor's receipts.
    pub fn with_receipt_reference(mut self, reference: VendorReference) -> Self {
        self.receipt_reference = Some(reference);
        self
    }
}

/// The answer to a verify. Let the user in only on [`Approved`](Verdict::Approved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The code is right; it will not be approved again.
    Approved,
    /// The code is wrong.
    WrongCode {
        /// Guesses left, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        guesses_left: Option<u32>,
    },
    /// The code was valid, and its TTL has passed.
    Expired,
    /// The code was approved before.
    AlreadyUsed,
    /// Too many wrong codes: no further code is checked, not even the right one.
    TooManyGuesses {
        /// When the next guess is allowed; `None` means that a new send is needed.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<Duration>,
    },
    /// There is no such verification: it never existed, was superseded or cancelled, or expired
    /// long ago.
    NotFound,
    /// The vendor no longer has this verification and gives no reason: it expired, was used or
    /// locked, or never existed.
    Gone,
    /// The vendor refuses without a known reason.
    Rejected,
}

impl Verdict {
    /// Returns whether to let the user in.
    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Approved)
    }

    /// Returns the verdict for an untrusted caller: approved or not, without a reason. Whether a
    /// verification exists, has expired or was used helps an attacker who guesses; a signed-in user
    /// or a service of the operator may see the full verdict.
    ///
    /// ```
    /// use otpmux_core::Verdict;
    /// assert_eq!(Verdict::Expired.without_reason(), Verdict::NotFound.without_reason());
    /// assert!(Verdict::Approved.without_reason().is_approved());
    /// ```
    pub fn without_reason(self) -> Self {
        if self.is_approved() { self } else { Self::Rejected }
    }

    /// Returns the word that the HTTP API and logs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::WrongCode { .. } => "wrong_code",
            Self::Expired => "expired",
            Self::AlreadyUsed => "already_used",
            Self::TooManyGuesses { .. } => "too_many_guesses",
            Self::NotFound => "not_found",
            Self::Gone => "gone",
            Self::Rejected => "rejected",
        }
    }
}

/// The delivery state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delivery {
    /// The vendor has accepted the message.
    Accepted,
    /// The vendor has handed the message to the operator.
    Sent,
    /// The message is on the handset or in the mailbox.
    Delivered,
    /// The message did not arrive and will not.
    Failed,
    /// The message was dropped because it was too old.
    Expired,
    /// The vendor reports an unknown state.
    Unknown,
}

impl Delivery {
    /// Returns the word that the HTTP API and logs use.
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

/// The vendor's report on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The delivery state.
    pub delivery: Delivery,
    /// The time of delivery.
    pub delivered_at: Option<SystemTime>,
    /// The reason of the failure, in the vendor's plain words (see
    /// [`plain_words`](crate::plain_words)).
    pub failure: Option<String>,
}

impl Status {
    /// A status without details.
    pub fn new(delivery: Delivery) -> Self {
        Self { delivery, delivered_at: None, failure: None }
    }
}

/// The balance of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Balance {
    /// The amount as the vendor writes it: an exact decimal number, never a float.
    pub amount: String,
    /// The currency, such as `INR`; `None` if the vendor counts credits.
    pub currency: Option<String>,
}

impl Balance {
    /// Returns a balance with the amount as the vendor writes it.
    pub fn new(amount: impl Into<String>, currency: Option<String>) -> Self {
        Self { amount: amount.into(), currency }
    }
}

/// The result of a cancel at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cancellation {
    /// The vendor's code is invalid now.
    Cancelled,
    /// The vendor does not allow a cancel yet.
    TooEarly {
        /// When it will allow one.
        retry_after: Option<Duration>,
    },
    /// The vendor does not allow a cancel any more.
    TooLate,
}
