#![doc = include_str!("../README.md")]

mod answer;
mod capabilities;
mod channel;
mod code;
mod email;
mod error;
mod error_text;
mod ids;
mod message;
mod next_step;
mod numbers;
mod provider;
mod receipt;
mod recipient;
mod request;
pub mod rfc3339;
mod seconds;
mod secret;
pub mod settings;
mod system;
mod text;
pub mod typed;
mod user_reason;

pub use answer::{Balance, Cancellation, Delivery, Sent, Status, Verdict};
pub use capabilities::{Capabilities, Incompatibility, Limits, RateLimit, VendorCodes};
pub use channel::Channel;
pub use code::{Code, CodeError, CodeSource};
pub use email::EmailAddress;
pub use error::{Blame, Certainty, Error, ErrorKind};
pub use ids::{IdError, IdempotencyKey, ProviderId, Purpose, VendorReference};
pub use message::{Dlt, Message, Text};
pub use next_step::{NextStep, Situation, next_step};
pub use numbers::{
    CountryCode, CountryError, NUMBERS_VERSION, NumberKind, NumberKindError, PhoneNumber, Place,
};
pub use provider::{Context, IntoProvider, OtpProvider};
pub use receipt::{
    Correlation, Network, Price, Receipt, ReceiptAnswer, ReceiptFailure, ReceiptRequest,
    ReceiptTarget, ReceiptTrust, Receipts,
};
pub use recipient::{Recipient, RecipientError};
pub use request::{
    ClientContext, Outcome, ReportRequest, ResendRequest, SendRequest, Target, VerifyRequest,
};
pub use seconds::seconds_rounded_up;
pub use secret::{Secret, SecretTextError};
pub use system::{Clock, Entropy, EntropyError, OsEntropy, SystemClock};
pub use text::plain_words;
pub use user_reason::UserReason;
