use url::Url;

use crate::config::suffix;

/// The topic of the receipts, and its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    arn: String,
    host: String,
}

impl Topic {
    pub(crate) fn parse(arn: &str) -> Result<Self, String> {
        let rule = || "must be the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME".to_owned();
        let parts: Vec<&str> = arn.split(':').collect();
        let [scheme, partition, "sns", region, account, name] = parts[..] else {
            return Err(rule());
        };
        let word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let fits = scheme == "arn"
            && [partition, account, name].into_iter().all(word)
            && region.contains('-')
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let host = format!("sns.{region}.{}", suffix(region));
        fits.then(|| Self { arn: arn.to_owned(), host }).ok_or_else(rule)
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the path of a certificate's URL; `None` if it is not a certificate of SNS at the
    /// topic's own host.
    pub(super) fn certificate_path(&self, url: &str) -> Option<String> {
        let url = self.own(url)?;
        let name = url.path().strip_prefix("/SimpleNotificationService-")?.strip_suffix(".pem")?;
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && url.query().is_none();
        fits.then(|| url.path().to_owned())
    }

    /// Returns the query of a confirmation's URL; `None` if it does not confirm a subscription at the
    /// topic's own host.
    pub(super) fn confirmation_query(&self, url: &str) -> Option<String> {
        let url = self.own(url)?;
        let confirms = url.path() == "/"
            && url
                .query_pairs()
                .any(|pair| pair == ("Action".into(), "ConfirmSubscription".into()))
            && url.query_pairs().any(|pair| pair == ("TopicArn".into(), self.arn.as_str().into()));
        url.query().filter(|_| confirms).map(str::to_owned)
    }

    /// Parses a URL at the topic's own host.
    fn own(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let own = url.scheme() == "https"
            && url.host_str() == Some(&self.host)
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        own.then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sns:eu-central-1:123456789012:otp-events";

    #[test]
    fn only_the_topics_own_host_counts() {
        let topic = Topic::parse(ARN).unwrap();
        let good = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-01d0.pem";
        assert_eq!(
            topic.certificate_path(good).as_deref(),
            Some("/SimpleNotificationService-01d0.pem")
        );
        for bad in [
            "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-01d0.pem",
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01d0.pem",
            "https://sns.eu-central-1.amazonaws.com.example.com/SimpleNotificationService-01d0.pem",
            "https://bucket.s3.amazonaws.com/SimpleNotificationService-01d0.pem",
            "https://sns.eu-central-1.amazonaws.com@example.com/SimpleNotificationService-01d0.pem",
            "https://a:b@sns.eu-central-1.amazonaws.com/SimpleNotificationService-01d0.pem",
            "https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-01d0.pem",
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-01d0.pem?x=1",
            "https://sns.eu-central-1.amazonaws.com/x/SimpleNotificationService-01d0.pem",
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-../x.pem",
            "https://sns.eu-central-1.amazonaws.com/other.pem",
            "",
        ] {
            assert_eq!(topic.certificate_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_confirmation_is_of_this_topic() {
        let topic = Topic::parse(ARN).unwrap();
        let url = |host: &str, action: &str, arn: &str| {
            format!("https://{host}/?Action={action}&TopicArn={arn}&Token=2336")
        };
        let host = "sns.eu-central-1.amazonaws.com";
        let good = topic.confirmation_query(&url(host, "ConfirmSubscription", ARN));
        assert_eq!(good.unwrap(), format!("Action=ConfirmSubscription&TopicArn={ARN}&Token=2336"));
        for bad in [
            url("example.com", "ConfirmSubscription", ARN),
            url(host, "Publish", ARN),
            url(host, "ConfirmSubscription", "arn:aws:sns:eu-central-1:123456789012:other"),
        ] {
            assert_eq!(topic.confirmation_query(&bad), None, "{bad}");
        }
    }

    #[test]
    fn reads_arns() {
        let china = Topic::parse("arn:aws-cn:sns:cn-north-1:123456789012:x").unwrap();
        assert_eq!(china.host(), "sns.cn-north-1.amazonaws.com.cn");
        for bad in [
            "",
            "otp",
            "arn:aws:sqs:eu-central-1:123456789012:x",
            "arn:aws:sns:eu-central-1.example.com/:123456789012:x",
            "arn:aws:sns:eu-central-1:123456789012:x:subscription",
            "arn:aws:sns:eu-central-1:123456789012:",
        ] {
            assert!(Topic::parse(bad).is_err(), "{bad}");
        }
    }
}
