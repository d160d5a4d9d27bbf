//! The items for writing an adapter: the trait, the inputs and answers of its calls, and the
//! decision after a failure.

pub use async_trait::async_trait;
pub use otpmux_core::typed;
pub use otpmux_core::{
    Balance, Cancellation, Capabilities, CodeSource, Context, Correlation, Delivery, Dlt,
    IdempotencyKey, Incompatibility, IntoProvider, Limits, Message, Network, NextStep, OtpProvider,
    Outcome, Price, ProviderId, Receipt, ReceiptAnswer, ReceiptFailure, ReceiptRequest,
    ReceiptTarget, ReceiptTrust, Receipts, ReportRequest, ResendRequest, SendRequest, Sent,
    Situation, Status, Target, Text, VendorCodes, VendorReference, VerifyRequest, next_step,
    plain_words,
};
pub use otpmux_core::{Clock, Entropy, EntropyError, OsEntropy, SystemClock};
pub use otpmux_core::{
    Correlation, Network, Outcome, Price, Receipt, ReceiptAnswer, ReceiptFailure, ReceiptRequest,
    ReceiptTarget, ReceiptTrust, Receipts, ReportRequest,
};
pub use otpmux_core::{Dlt, Message, Text};
