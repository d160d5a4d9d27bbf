//! The backend of the five verbs: this process, with the store of a configuration, or a running
//! gateway.

use std::path::PathBuf;

use otpmux::errors::RecipientError;
use otpmux::{
    Code, Config, CountryCode, DeliveryId, NewDelivery, NewVerification, OtpClient, Outcome,
    Recipient, Resend, Scope, Selector, Verdict, VerificationId, Verify,
};
use serde_json::Value;

use super::gateway::Gateway;
use crate::failure::Failure;
use crate::report;

/// The options that choose the backend.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "OTPMUX_CONFIG", default_value = "otpmux.toml")]
    config: PathBuf,
    /// Ask this gateway instead, with the API key in `OTPMUX_API_KEY`; https, or http on this
    /// machine
    #[arg(long, value_name = "URL")]
    gateway: Option<String>,
}

/// Verifications in the form of the HTTP API, from either backend.
pub(super) enum Backend {
    Local { client: OtpClient, shared: bool },
    Gateway(Gateway),
}

impl Place {
    pub(super) fn open(&self) -> Result<Backend, Failure> {
        if let Some(url) = &self.gateway {
            return Gateway::new(url).map(Backend::Gateway);
        }
        let config = Config::from_file(&self.config)?;
        let client = OtpClient::from_config(&config)?;
        Ok(Backend::Local { client, shared: config.store().is_shared() })
    }

    /// Opens a backend that finds the verifications of other processes.
    pub(super) fn open_shared(&self) -> Result<Backend, Failure> {
        let backend = self.open()?;
        if backend.is_shared() {
            return Ok(backend);
        }
        Err(Failure::usage(
            "this configuration keeps verifications in the memory of one process, so this process cannot \
             find them; give [store] a url such as \
             \"sqlite:otpmux.db\" or \"redis://127.0.0.1:6379\"",
        ))
    }
}

impl Backend {
    /// Returns whether other processes find the verifications of this one.
    pub(super) fn is_shared(&self) -> bool {
        match self {
            Self::Local { shared, .. } => *shared,
            Self::Gateway(_) => true,
        }
    }

    /// Parses a recipient that is typed here, with the rules of the chosen backend.
    pub(super) async fn read_recipient(
        &self,
        text: &str,
        country: Option<CountryCode>,
    ) -> Result<Result<Recipient, RecipientError>, Failure> {
        match self {
            Self::Local { client, .. } => Ok(client.read_recipient(text, country)),
            Self::Gateway(gateway) => match Recipient::parse_in(text, country) {
                Err(RecipientError::NoCountry) => {
                    Ok(Recipient::parse_in(text, gateway.default_country().await?))
                }
                read => Ok(read),
            },
        }
    }

    pub(super) async fn send(&self, new: NewVerification) -> Result<Value, Failure> {
        match self {
            Self::Local { client, .. } => {
                let sent = client.send(new).await?;
                client.flush().await;
                Ok(report::json(&sent))
            }
            Self::Gateway(gateway) => gateway.send(&new).await,
        }
    }

    pub(super) async fn verify(
        &self,
        which: Selector,
        code: &Code,
        verify: Verify,
    ) -> Result<Verdict, Failure> {
        match self {
            Self::Local { client, .. } => Ok(client.verify_with(which, code, verify).await?),
            Self::Gateway(gateway) => gateway.verify(which, code, &verify).await,
        }
    }

    pub(super) async fn resend(&self, id: VerificationId, how: Resend) -> Result<Value, Failure> {
        match self {
            Self::Local { client, .. } => Ok(report::json(&client.resend(id, how).await?)),
            Self::Gateway(gateway) => gateway.resend(id, &how).await,
        }
    }

    pub(super) async fn status(&self, id: VerificationId) -> Result<Value, Failure> {
        match self {
            Self::Local { client, .. } => Ok(report::json(&client.status(id).await?)),
            Self::Gateway(gateway) => gateway.status(id).await,
        }
    }

    pub(super) async fn deliver(&self, new: NewDelivery) -> Result<Value, Failure> {
        match self {
            Self::Local { client, .. } => {
                let sent = client.deliver(new).await?;
                client.flush().await;
                Ok(report::delivery_json(&sent))
            }
            Self::Gateway(gateway) => gateway.deliver(&new).await,
        }
    }

    pub(super) async fn delivery(&self, id: DeliveryId) -> Result<Value, Failure> {
        match self {
            Self::Local { client, .. } => Ok(report::delivery_json(&client.delivery(id).await?)),
            Self::Gateway(gateway) => gateway.delivery(id).await,
        }
    }

    pub(super) async fn redeliver(&self, id: DeliveryId, how: Resend) -> Result<Value, Failure> {
        match self {
            Self::Local { client, .. } => {
                Ok(report::delivery_json(&client.redeliver(id, how).await?))
            }
            Self::Gateway(gateway) => gateway.redeliver(id, &how).await,
        }
    }

    pub(super) async fn end_delivery(
        &self,
        id: DeliveryId,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        match self {
            Self::Local { client, .. } => {
                // An unknown one is an error, as at a gateway.
                client.scoped(Scope::all()).end_delivery(id, outcome).await?;
                Ok(())
            }
            Self::Gateway(gateway) => gateway.end_delivery(id, outcome).await,
        }
    }

    /// Returns whether there was a verification to cancel.
    pub(super) async fn cancel(&self, id: VerificationId) -> Result<bool, Failure> {
        match self {
            Self::Local { client, .. } => Ok(client.cancel(id).await?),
            Self::Gateway(gateway) => gateway.cancel(id).await,
        }
    }
}
