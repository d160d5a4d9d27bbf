//! The public methods of [`OtpClient`] for deliveries.

use otpmux_core::{Error, Outcome};

use super::{CodeDelivery, NewDelivery};
use crate::{DeliveryId, OtpClient, Resend, Scope};

/// Deliveries: codes that the caller made and will check.
///
/// A delivery goes the way of a send: routes, limits, failover, hedging, one code for all send
/// attempts, history, receipts. It is no verification: no guess is ever checked against it, and it
/// neither supersedes nor is superseded. Its code is kept encrypted, and only until its TTL ends.
impl OtpClient {
    /// Delivers a code that the caller made, by the first provider that accepts it. Only providers
    /// that carry a given code are candidates.
    ///
    /// ```no_run
    /// # use otpmux_core::{Code, Outcome, Recipient};
    /// # use otpmux_engine::{NewDelivery, OtpClient};
    /// # async fn example(client: OtpClient, to: Recipient) -> Result<(), Box<dyn std::error::Error>> {
    /// let code = Code::given("0M53RF")?;
    /// let sent = client.deliver(NewDelivery::of(code, to)).await?;
    /// // Later, when the user has typed the right code:
    /// client.end_delivery(sent.id, Outcome::Approved).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), with the same certainties.
    pub async fn deliver(&self, new: NewDelivery) -> Result<CodeDelivery, Error> {
        self.inner().audited_deliver(new, None).await
    }

    /// Returns the state of a delivery, as [`status`](Self::status) does for a verification.
    ///
    /// # Errors
    ///
    /// [`NotFound`](otpmux_core::ErrorKind::NotFound) when the id is unknown or the TTL has passed;
    /// the store is out of reach.
    pub async fn delivery(&self, id: DeliveryId) -> Result<CodeDelivery, Error> {
        self.inner().delivery(id, &Scope::all()).await
    }

    /// Delivers the same code again because the user asked for it, by another provider where there
    /// is one, by another channel if asked; within the limits of a [`resend`](Self::resend).
    ///
    /// # Errors
    ///
    /// Those of [`resend`](Self::resend); [`NotFound`](otpmux_core::ErrorKind::NotFound) also after
    /// [`end_delivery`](Self::end_delivery).
    pub async fn redeliver(&self, id: DeliveryId, resend: Resend) -> Result<CodeDelivery, Error> {
        self.inner().audited_redeliver(id, resend, &Scope::all(), None).await
    }

    /// Ends a delivery: its code was used, or is not wanted any more. It is not delivered again, and
    /// vendors that want to know how a verification ended are told, after this call. Returns whether
    /// it had not ended before; only the first outcome counts.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn end_delivery(&self, id: DeliveryId, outcome: Outcome) -> Result<bool, Error> {
        self.inner().audited_end_delivery(id, outcome, None).await
    }
}
