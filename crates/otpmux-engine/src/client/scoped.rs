use std::sync::Arc;

use otpmux_core::{Blame, Certainty, Code, Error, ErrorKind, Outcome, Purpose, Recipient, Verdict};

use super::{
    Checked, CodeDelivery, NewDelivery, NewVerification, OtpClient, Resend, Selector, Verification,
    Verify,
};
use crate::{DeliveryId, VerificationId};

/// The purposes that a [`ScopedClient`] may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Option<Arc<[Purpose]>>);

/// A client that is limited to some purposes: verifications of other purposes are not found. A
/// service for several applications gives one to each.
///
/// ```
/// # use otpmux_core::{OtpProvider, Purpose};
/// # use otpmux_engine::{OtpClient, Scope};
/// # fn example(client: &OtpClient) -> Result<(), Box<dyn std::error::Error>> {
/// let logins = client.scoped(Scope::of([Purpose::new("login")?]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ScopedClient {
    client: OtpClient,
    scope: Scope,
    tenant: Option<Arc<str>>,
}

impl Scope {
    /// Every purpose.
    pub fn all() -> Self {
        Self(None)
    }

    /// Only these purposes.
    pub fn of(purposes: impl IntoIterator<Item = Purpose>) -> Self {
        Self(Some(purposes.into_iter().collect()))
    }

    /// The purposes; `None` means every purpose.
    pub fn purposes(&self) -> Option<impl Iterator<Item = &Purpose>> {
        self.0.as_ref().map(|all| all.iter())
    }

    /// Whether the scope contains a purpose.
    pub fn contains(&self, purpose: &Purpose) -> bool {
        self.0.as_ref().is_none_or(|all| all.contains(purpose))
    }
}

impl ScopedClient {
    pub(super) fn new(client: OtpClient, scope: Scope) -> Self {
        Self { client, scope, tenant: None }
    }

    /// Sets the tenant of this client: its guesses are counted apart from those of others, so that
    /// no tenant can lock out the users of another, and the audit log names it.
    pub fn of_tenant(mut self, name: impl Into<Arc<str>>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// As [`OtpClient::send`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::send`]; also [`ErrorKind::Forbidden`], not sent, for a purpose outside
    /// the scope.
    pub async fn send(&self, new: NewVerification) -> Result<Verification, Error> {
        self.allow(&new.options.purpose)?;
        self.client.inner().audited_send(Box::new(new), self.tenant()).await
    }

    /// As [`OtpClient::deliver`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::deliver`]; also [`ErrorKind::Forbidden`], not sent, for a purpose
    /// outside the scope.
    pub async fn deliver(&self, new: NewDelivery) -> Result<CodeDelivery, Error> {
        self.allow(&new.options.purpose)?;
        self.client.inner().audited_deliver(new, self.tenant()).await
    }

    /// As [`OtpClient::delivery`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::delivery`]; a delivery of another purpose is not found.
    pub async fn delivery(&self, id: DeliveryId) -> Result<CodeDelivery, Error> {
        self.client.inner().delivery(id, &self.scope).await
    }

    /// As [`OtpClient::redeliver`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::redeliver`]; a delivery of another purpose is not found.
    pub async fn redeliver(&self, id: DeliveryId, resend: Resend) -> Result<CodeDelivery, Error> {
        self.client.inner().audited_redeliver(id, resend, &self.scope, self.tenant()).await
    }

    /// As [`OtpClient::end_delivery`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::end_delivery`]; [`ErrorKind::NotFound`] when the id is unknown, its
    /// TTL has passed, or it is of another purpose.
    pub async fn end_delivery(&self, id: DeliveryId, outcome: Outcome) -> Result<bool, Error> {
        let inner = self.client.inner();
        inner.load_delivery(id, &self.scope, inner.clock.now()).await?;
        inner.audited_end_delivery(id, outcome, self.tenant()).await
    }

    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn allow(&self, purpose: &Purpose) -> Result<(), Error> {
        if self.scope.contains(purpose) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, Certainty::NotSent, Blame::Caller)
            .with_detail("this purpose is not among those that the caller may use"))
    }

    /// As [`OtpClient::verify`]. A verification of another purpose is not found, and none of its
    /// guesses is counted.
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::verify`].
    pub async fn verify(&self, id: VerificationId, code: &Code) -> Result<Verdict, Error> {
        self.verify_with(id, code, Verify::new()).await
    }

    /// As [`OtpClient::verify_for`]: a verification of another recipient or purpose is not found.
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::verify_for`].
    pub async fn verify_for(
        &self,
        id: VerificationId,
        code: &Code,
        recipient: &Recipient,
        purpose: &Purpose,
    ) -> Result<Verdict, Error> {
        let verify = Verify::new().for_recipient(recipient.clone()).for_purpose(purpose.clone());
        self.verify_with(id, code, verify).await
    }

    /// As [`OtpClient::verify_with`]. A verification of another purpose is not found, and none of
    /// its guesses is counted.
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::verify_with`].
    pub async fn verify_with(
        &self,
        which: impl Into<Selector>,
        code: &Code,
        verify: Verify,
    ) -> Result<Verdict, Error> {
        Ok(self.check(which, code, verify).await?.verdict)
    }

    /// As [`OtpClient::check`]. A verification of another purpose is not found, and none of its
    /// guesses is counted.
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::check`].
    pub async fn check(
        &self,
        which: impl Into<Selector>,
        code: &Code,
        mut verify: Verify,
    ) -> Result<Checked, Error> {
        let inner = self.client.inner();
        let which = which.into();
        let expected = match (self.scope.0.as_deref(), which.purpose().or(verify.purpose.as_ref()))
        {
            (None, _) => None,
            (Some(_), Some(purpose)) if self.scope.contains(purpose) => None,
            (Some(_), Some(_)) => return Ok(Checked::NONE),
            (Some([purpose]), None) => Some(purpose.clone()),
            // A purpose never changes, so it can be checked before the verify.
            (Some(_), None) => match self.purpose_of(&which).await {
                Ok(purpose) => Some(purpose),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Checked::NONE),
                Err(error) => return Err(error.while_verifying()),
            },
        };
        verify.purpose = expected.or(verify.purpose);
        inner.audited_check(&which, code, &verify, self.tenant()).await
    }

    /// The purpose of a verification in the scope.
    async fn purpose_of(&self, which: &Selector) -> Result<Purpose, Error> {
        match which {
            Selector::Id(id) => {
                let inner = self.client.inner();
                Ok(inner.load_in(*id, &self.scope, inner.clock.now()).await?.purpose)
            }
            Selector::Recipient { purpose, .. } | Selector::External { purpose, .. } => {
                Ok(purpose.clone())
            }
        }
    }

    /// As [`OtpClient::resend`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::resend`]; a verification of another purpose is not found.
    pub async fn resend(&self, id: VerificationId, resend: Resend) -> Result<Verification, Error> {
        self.client.inner().audited_resend(id, resend, &self.scope, self.tenant()).await
    }

    /// As [`OtpClient::status`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::status`]; a verification of another purpose is not found.
    pub async fn status(&self, id: VerificationId) -> Result<Verification, Error> {
        self.client.inner().status(id, &self.scope).await
    }

    /// As [`OtpClient::cancel`].
    ///
    /// # Errors
    ///
    /// Those of [`OtpClient::cancel`]; [`ErrorKind::NotFound`] when the id is unknown, past its
    /// retention, or of another purpose.
    pub async fn cancel(&self, id: VerificationId) -> Result<bool, Error> {
        let inner = self.client.inner();
        inner.load_in(id, &self.scope, inner.clock.now()).await?;
        inner.audited_cancel(id, self.tenant()).await
    }
}
