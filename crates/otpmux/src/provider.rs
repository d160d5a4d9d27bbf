//! The items for writing an adapter: the trait, the inputs and answers of its calls, and the
//! decision after a failure.

pub use async_trait::async_trait;
pub use otpmux_core::typed;
pub use otpmux_core::{
    Balance, Cancellation, Capabilities, CodeSource, Context, Delivery, IdempotencyKey,
    Incompatibility, IntoProvider, Limits, NextStep, OtpProvider, ProviderId, ResendRequest,
    SendRequest, Sent, Situation, Status, Target, VendorCodes, VendorReference, VerifyRequest,
    next_step, plain_words,
};
pub use otpmux_core::{Clock, Entropy, EntropyError, OsEntropy, SystemClock};
pub use otpmux_core::{
    Correlation, Network, Outcome, Price, Receipt, ReceiptAnswer, ReceiptFailure, ReceiptRequest,
    ReceiptTarget, ReceiptTrust, Receipts, ReportRequest,
};
pub use otpmux_core::{Dlt, Message, Text};
