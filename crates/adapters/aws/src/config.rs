use std::sync::Arc;

use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret, SystemClock};
use otpmux_http::{HttpConfig, HttpSettings};

use crate::Aws;
use crate::credentials::Environment;
use crate::provider::capabilities;
use crate::receipts::Topic;

otpmux_core::settings! {
    /// The settings of one AWS service in one region; [`Aws::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct AwsBuilder {
        /// The service: `sms` (AWS End User Messaging SMS), `sns` (SMS by SNS) or `ses` (e-mail by SES,
        /// version 2 of its API).
        pub service: Option<String> = None, choice(&["sms", "sns", "ses"]).required(), example "sms";
        /// The region, as AWS names it.
        pub region: Option<String> = None, text().required().check(check_region),
            example "eu-central-1";
        /// Where the credentials come from: `auto` (the first of the others that has some), `settings`
        /// (the keys below), `environment` (AWS_ACCESS_KEY_ID and its companions), `web_identity`
        /// (a token file, as Kubernetes gives it), `profile` (the shared file), `container` (ECS, EKS
        /// pod identity) or `instance` (EC2 instance metadata).
        pub credentials: String = "auto".to_owned(),
            choice(&["auto", "settings", "environment", "web_identity", "profile", "container", "instance"]),
            example "container";
        /// The id of an access key.
        pub access_key_id: Option<String> = None, text().check(check_word),
            example "AKIAIOSFODNN7EXAMPLE";
        /// Its secret.
        pub secret_access_key: Option<Secret> = None, secret(),
            example "env:AWS_SECRET_ACCESS_KEY";
        /// The token of temporary keys. Absent: the keys are permanent.
        pub session_token: Option<Secret> = None, secret(), example "env:AWS_SESSION_TOKEN";
        /// The profile of the shared file. Absent: `AWS_PROFILE`, or `default`.
        pub profile: Option<String> = None, text().check(check_word), example "otp";
        /// The sender. `sms`: a number, sender ID, pool or phone number id of the account; absent:
        /// AWS chooses. `sns`: a sender ID, or a number with its `+`; absent: the account's
        /// default. `ses`: the address, with or without a name; required. Absent otherwise: a
        /// mistake.
        pub sender: Option<String> = None, text().check(check_line),
            example "Acme <otp@example.com>";
        /// Where replies go (`ses`). Absent: to the sender.
        pub reply_to: Option<String> = None, text().check(check_line), example "help@example.com";
        /// The configuration set, which sends events to a topic (`sms`, `ses`). Absent: none.
        pub configuration_set: Option<String> = None, text().check(check_word), example "otp";
        /// The most that one message may cost, in US dollars (`sms`, `sns`). AWS refuses a message
        /// that costs more. Absent: no such limit.
        pub max_price: Option<String> = None, text().check(check_price), example "0.15";
        /// The subject of mails that have none, and of those whose subject holds the code while
        /// `code_in_subject` is false (`ses`).
        pub subject: String = "Your verification code".to_owned(), text().check(check_line),
            example "Your Acme code";
        /// Allow the code in the subject (`ses`). Lock screens and logs of mail servers show subjects.
        pub code_in_subject: bool = false, flag(), example true;
        /// The SNS topic that delivery events come by (`sms`, `ses`). Only receipts of this topic are
        /// accepted. Absent: no receipts.
        pub topic_arn: Option<String> = None, text().check(check_topic),
            example "arn:aws:sns:eu-central-1:123456789012:otp-events";
        groups {
            /// How to reach AWS.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = AwsBuilder::ADAPTER;

/// A service of AWS that sends messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Sms,
    Sns,
    Ses,
}

impl Service {
    /// Returns the name for signing.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Sms => "sms-voice",
            Self::Sns => "sns",
            Self::Ses => "ses",
        }
    }

    fn host(self) -> &'static str {
        match self {
            Self::Sms => "sms-voice",
            Self::Sns => "sns",
            Self::Ses => "email",
        }
    }
}

/// Returns the domain of a region's services.
pub(crate) fn suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

impl AwsBuilder {
    /// Builds the provider under a name of your choice. Opens no connection; reads the environment
    /// and the shared file for credentials.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<Aws, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn chosen(&self) -> Result<Service, ConfigError> {
        Ok(match required("service", &self.service)?.as_str() {
            "sns" => Service::Sns,
            "ses" => Service::Ses,
            _ => Service::Sms,
        })
    }

    pub(crate) fn http_config(&self, service: Service) -> Result<HttpConfig, ConfigError> {
        let region = required("region", &self.region)?;
        self.http.config(&format!("https://{}.{region}.{}", service.host(), suffix(&region)))
    }

    /// Returns the topic of the receipts.
    pub(crate) fn topic(&self, service: Service) -> Result<Option<Topic>, ConfigError> {
        let Some(arn) = &self.topic_arn else { return Ok(None) };
        if service == Service::Sns {
            let message = "does not belong to `sns`, which reports deliveries to CloudWatch only";
            return Err(ConfigError::new("topic_arn", message));
        }
        Topic::parse(arn).map(Some).map_err(|rule| ConfigError::new("topic_arn", rule))
    }

    fn checked(&self) -> Result<(Service, bool), ConfigError> {
        let service = self.chosen()?;
        self.http_config(service)?;
        let foreign: &[(&str, bool)] = match service {
            Service::Sms => &[("reply_to", self.reply_to.is_some())],
            Service::Sns => &[
                ("reply_to", self.reply_to.is_some()),
                ("configuration_set", self.configuration_set.is_some()),
            ],
            Service::Ses => &[("max_price", self.max_price.is_some())],
        };
        if let Some((key, _)) = foreign.iter().find(|(_, is_set)| *is_set) {
            return Err(ConfigError::new(*key, "does not belong to this service"));
        }
        if service == Service::Ses && self.sender.as_deref().is_none_or(|text| !text.contains('@'))
        {
            return Err(ConfigError::new("sender", "must be an address for `ses`"));
        }
        Ok((service, self.topic(service)?.is_some()))
    }
}

impl VendorSettings for AwsBuilder {
    const KIND: &'static str = "aws";
    type Provider = Aws;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.checked().map(|(service, receipts)| capabilities(service, receipts))
    }

    fn provider(&self, id: ProviderId) -> Result<Aws, ConfigError> {
        self.checked()?;
        Aws::new(id, self, &Environment::of_process(), Arc::new(SystemClock))
    }
}

fn check_region(text: &str) -> Result<(), String> {
    let fits = text.len() <= 32
        && text.contains('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then_some(()).ok_or_else(|| "must be a region such as eu-central-1".to_owned())
}

fn check_word(text: &str) -> Result<(), String> {
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(()).ok_or_else(|| "must be one word of ASCII characters".to_owned())
}

fn check_line(text: &str) -> Result<(), String> {
    let rule = || "must not hold control characters or line ends".to_owned();
    (!text.contains(char::is_control)).then_some(()).ok_or_else(rule)
}

/// The form that the service model of AWS has for prices.
fn check_price(text: &str) -> Result<(), String> {
    let digits = |text: &str, range: std::ops::RangeInclusive<usize>| {
        range.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fits = text
        .split_once('.')
        .is_some_and(|(whole, fraction)| digits(whole, 0..=2) && digits(fraction, 1..=5));
    let rule = || "must be a price in US dollars such as 0.15, with 1 to 5 decimals".to_owned();
    fits.then_some(()).ok_or_else(rule)
}

fn check_topic(text: &str) -> Result<(), String> {
    Topic::parse(text).map(drop)
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::SettingsReader;
    use serde_json::{Value, json};

    use super::*;

    fn describe(table: &Value) -> Result<Capabilities, String> {
        let resolve = |_: &str| Ok(Secret::new("swordfish"));
        let settings = SettingsReader::new(&resolve)
            .read("p", ADAPTER.settings, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let id = ProviderId::new("p").unwrap();
        ADAPTER.describe(&id, &settings).map_err(|errors| errors[0].to_string())
    }

    #[test]
    fn names_what_is_wrong() {
        let good = json!({ "service": "sms", "region": "eu-central-1" });
        assert!(describe(&good).is_ok());
        for (change, expected) in [
            (json!({ "service": null }), "p.service: missing"),
            (json!({ "service": "voice" }), "p.service: must be"),
            (json!({ "region": "Frankfurt" }), "p.region: must be a region"),
            (json!({ "max_price": "1" }), "p.max_price: must be a price"),
            (json!({ "max_price": "100.5" }), "p.max_price: must be a price"),
            (json!({ "service": "ses" }), "p.sender: must be an address"),
            (
                json!({ "service": "ses", "sender": "otp@example.com", "max_price": "0.1" }),
                "p.max_price: does not belong",
            ),
            (json!({ "reply_to": "help@example.com" }), "p.reply_to: does not belong"),
            (json!({ "topic_arn": "otp-events" }), "p.topic_arn: must be"),
            (
                json!({ "service": "sns", "topic_arn": "arn:aws:sns:eu-central-1:123456789012:x" }),
                "p.topic_arn: does not belong to `sns`",
            ),
        ] {
            let mut table = good.clone();
            for (key, value) in change.as_object().unwrap() {
                table[key] = value.clone();
            }
            table.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let error = describe(&table).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn the_address_follows_service_and_region() {
        for (service, region, url) in [
            (Service::Sms, "eu-central-1", "https://sms-voice.eu-central-1.amazonaws.com/"),
            (Service::Sns, "us-gov-west-1", "https://sns.us-gov-west-1.amazonaws.com/"),
            (Service::Ses, "cn-north-1", "https://email.cn-north-1.amazonaws.com.cn/"),
        ] {
            let config = AwsBuilder::default().region(region).http_config(service).unwrap();
            assert_eq!(config.base_url.as_str(), url);
        }
    }
}
