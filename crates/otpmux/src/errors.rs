//! Errors of building a client and of reading texts. The error of every call is
//! [`Error`](crate::Error).

pub use otpmux_core::{CodeError, EntropyError, IdError, RecipientError, SecretTextError};
pub use otpmux_engine::{
    BuildError, KeyError, OpenStoreError, ParseIdError, PolicyError, RouteError,
};
