//! A send that is a resend of the live verification of its recipient and purpose.

use std::sync::Arc;

use otpmux_core::{ClientContext, Error};
use tokio::time::Instant;

use crate::client::inner::{Inner, gone};
use crate::client::{NewVerification, Resend, Verification};
use crate::{Record, Repeat};

/// What a send asks for, if there is a live verification that it repeats.
pub(super) struct AskedAgain {
    resend: Resend,
    client: ClientContext,
}

impl Inner {
    /// `None` if this send never repeats a live verification.
    pub(super) fn repeats(
        &self,
        new: &NewVerification,
        name: Option<&str>,
    ) -> Option<Box<AskedAgain>> {
        let (repeat, options) = (new.repeat.unwrap_or(self.policy.repeat), &new.options);
        (repeat == Repeat::SameCode).then(|| {
            let resend = Resend {
                channel: options.channel.clone(),
                locale: options.locale.clone(),
                idempotency_key: name.map(str::to_owned),
                in_flight: options.in_flight,
            };
            Box::new(AskedAgain { resend, client: options.client.clone() })
        })
    }

    /// `None` if the verification is over by then, approved for example, so that the send is a new
    /// one.
    ///
    /// # Errors
    ///
    /// Those of a resend; not found when that has happened until the deadline.
    pub(super) async fn repeat(
        self: &Arc<Self>,
        live: Box<Record>,
        asked: Option<&AskedAgain>,
        deadline: Instant,
    ) -> Result<Option<Verification>, Error> {
        let Some(asked) = asked else { return Err(gone()) };
        let client = Some(&asked.client);
        let sent = self.resend_record(live, &asked.resend, client, deadline).await?;
        if sent.is_none() && Instant::now() >= deadline {
            return Err(gone());
        }
        Ok(sent.map(|sent| Verification { repeated: true, ..sent }))
    }
}
