use serde::Deserialize;

/// The body that SNS posts to a subscriber.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Notification {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    pub(super) message_id: String,
    pub(super) topic_arn: String,
    pub(super) subject: Option<String>,
    pub(super) message: String,
    pub(super) timestamp: String,
    pub(super) signature_version: String,
    pub(super) signature: String,
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    pub(super) signing_cert_url: String,
    /// Of a confirmation.
    #[serde(default, rename = "SubscribeURL", alias = "SubscribeUrl")]
    pub(super) subscribe_url: String,
    /// Of a confirmation.
    #[serde(default)]
    pub(super) token: String,
}

impl Notification {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(body).ok()
    }

    /// Returns the text that the signature is over: names and values, one in each line.
    pub(super) fn to_sign(&self) -> String {
        let mut pairs = vec![("Message", self.message.as_str()), ("MessageId", &self.message_id)];
        if self.kind == "Notification" {
            pairs.extend(self.subject.as_deref().map(|subject| ("Subject", subject)));
        } else {
            pairs.push(("SubscribeURL", &self.subscribe_url));
        }
        pairs.push(("Timestamp", &self.timestamp));
        if self.kind != "Notification" {
            pairs.push(("Token", &self.token));
        }
        pairs.extend([("TopicArn", self.topic_arn.as_str()), ("Type", &self.kind)]);
        pairs.into_iter().flat_map(|(name, value)| [name, "\n", value, "\n"]).collect()
    }
}
