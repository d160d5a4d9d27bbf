//! Delivery events, which SNS posts to the gateway.

mod certificate;
mod events;
mod notification;
mod topic;

#[cfg(test)]
mod tests;

use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Blame, Certainty, Context, Error, ErrorKind, ProviderId, ReceiptRequest, Receipts,
};
use otpmux_http::signature::{Encoding, Scheme, SignatureError};
use otpmux_http::{BaseUrl, Call, HttpConfig, Transport};

pub(crate) use topic::Topic;

use crate::AwsBuilder;
use certificate::Certificates;
use notification::Notification;

/// The receiver of one topic's notifications.
#[derive(Debug)]
pub(crate) struct Inbox {
    provider: ProviderId,
    topic: Topic,
    /// The host of the topic, from which certificates come and where a subscription is confirmed.
    transport: Transport,
    certificates: Certificates,
}

impl Inbox {
    pub(crate) fn new(
        provider: &ProviderId,
        topic: Topic,
        settings: &AwsBuilder,
    ) -> Result<Self, ConfigError> {
        // An emulator that has the service has the certificates, too.
        let url =
            settings.http.base_url.clone().unwrap_or_else(|| format!("https://{}", topic.host()));
        let url: BaseUrl =
            url.parse().map_err(|error| ConfigError::new("base_url", format!("{error}")))?;
        let transport = Transport::new(provider.clone(), HttpConfig::new(url), &[])
            .map_err(|error| ConfigError::new("", error.detail().to_owned()))?;
        Ok(Self {
            provider: provider.clone(),
            topic,
            transport,
            certificates: Certificates::default(),
        })
    }

    pub(crate) async fn read(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        let notification = Notification::parse(request.body)
            .ok_or_else(|| self.unreadable("the request is not a notification of SNS"))?;
        if notification.topic_arn != self.topic.arn() {
            return Err(self.forged("the notification is of another topic than `topic_arn`"));
        }
        self.check_signature(cx, &notification).await?;
        let receipts = match notification.kind.as_str() {
            "Notification" => events::read(&notification.message).ok_or_else(|| {
                self.unreadable("the notification holds no event that is documented")
            })?,
            "SubscriptionConfirmation" => {
                self.confirm(cx, &notification).await?;
                Vec::new()
            }
            // The subscription was ended; there is nothing to do here.
            _ => Vec::new(),
        };
        Ok(Receipts::new(receipts))
    }

    async fn check_signature(
        &self,
        cx: &Context,
        notification: &Notification,
    ) -> Result<(), Error> {
        let scheme = match notification.signature_version.as_str() {
            "1" => Scheme::RsaPkcs1Sha1,
            "2" => Scheme::RsaPkcs1Sha256,
            _ => return Err(SignatureError::Unreadable.at(&self.provider)),
        };
        let signature = Encoding::Base64
            .decode(&notification.signature)
            .ok_or_else(|| SignatureError::Unreadable.at(&self.provider))?;
        let path = self
            .topic
            .certificate_path(&notification.signing_cert_url)
            .ok_or_else(|| self.forged("the certificate of the notification is not at SNS"))?;
        let key = self.certificates.key(cx, &self.transport, path, scheme).await?;
        if key.verifies(notification.to_sign().as_bytes(), &signature) {
            Ok(())
        } else {
            Err(SignatureError::Mismatch.at(&self.provider))
        }
    }

    /// Confirms the subscription of the gateway's URL. Only the topic of the settings gets here, and
    /// only its own host is asked.
    async fn confirm(&self, cx: &Context, notification: &Notification) -> Result<(), Error> {
        let query = self
            .topic
            .confirmation_query(&notification.subscribe_url)
            .ok_or_else(|| self.forged("the subscription is not confirmed at SNS"))?;
        let mut call = Call::get("/").hiding(&notification.token);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            call = call.with_query(name.into_owned(), value.into_owned());
        }
        let answer = self.transport.call(cx, call).await?;
        match answer.status() {
            200 => Ok(()),
            _ => Err(answer.protocol_error("SNS does not confirm the subscription")),
        }
    }

    fn forged(&self, detail: &'static str) -> Error {
        Error::new(ErrorKind::Unauthenticated, Certainty::NotSent, Blame::Caller)
            .with_provider(self.provider.clone())
            .with_detail(detail)
    }

    fn unreadable(&self, detail: &'static str) -> Error {
        Error::new(ErrorKind::Protocol, Certainty::NotSent, Blame::Caller)
            .with_provider(self.provider.clone())
            .with_detail(detail)
    }
}
