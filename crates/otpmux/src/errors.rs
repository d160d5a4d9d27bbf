//! Errors of building a client and of reading texts, and how a wait is shown. The error of every
//! call is [`Error`](crate::Error).

pub use otpmux_core::{
    CodeError, EntropyError, IdError, RecipientError, SecretTextError, seconds_rounded_up,
};
pub use otpmux_engine::{
    BuildError, CodeInTextError, ExternalIdError, KeyError, OpenStoreError, ParseDeliveryIdError,
    ParseIdError, PolicyError, RouteError,
};
