use std::time::Duration;

use otpmux_core::{Context, Error, ProviderId};
use otpmux_http::{Answer, BaseUrl, Call, HttpConfig, Method, Transport};

use super::{Environment, Lease, read_document};

/// The metadata service of an EC2 instance, version 2.
#[derive(Debug)]
pub(super) struct Instance {
    transport: Transport,
}

/// How long a token of the service is good. One is fetched for each fetch of keys.
const TOKEN_SECONDS: &str = "60";

impl Instance {
    pub(super) fn find(provider: &ProviderId, environment: &Environment) -> Result<Self, String> {
        let disabled = environment.get("AWS_EC2_METADATA_DISABLED");
        if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(
                "no credentials were found in settings, environment, shared file or container, \
                        and AWS_EC2_METADATA_DISABLED forbids the instance metadata"
                    .to_owned(),
            );
        }
        let ipv6 = environment
            .get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")
            .is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        let usual = if ipv6 { "http://[fd00:ec2::254]" } else { "http://169.254.169.254" };
        let url = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        let url = BaseUrl::local_service(url.as_deref().unwrap_or(usual)).map_err(|_| {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT must be https, or http at a loopback or link-local \
             address"
                .to_owned()
        })?;
        let config = HttpConfig::new(url).with_timeout(Duration::from_secs(2));
        let transport = Transport::new(provider.clone(), config, &[])
            .map_err(|error| error.detail().to_owned())?;
        Ok(Self { transport })
    }

    pub(super) async fn fetch(&self, cx: &Context) -> Result<Lease, Error> {
        let call = header(
            Call::request(Method::PUT, "/latest/api/token"),
            "x-aws-ec2-metadata-token-ttl-seconds",
            TOKEN_SECONDS,
        );
        let answer = self.transport.call(cx, call).await?;
        let token = text(&answer, "it gives no token; is this an EC2 instance?")?;
        let roles = "/latest/meta-data/iam/security-credentials/";
        let call = header(Call::get(roles), "x-aws-ec2-metadata-token", &token);
        let answer = self.transport.call(cx, call).await?;
        let role = text(&answer, "the instance has no role")?;
        let call = header(
            Call::get("/latest/meta-data/iam/security-credentials/{id}").with_id(&role),
            "x-aws-ec2-metadata-token",
            &token,
        );
        read_document(&self.transport.call(cx, call).await?)
    }
}

fn header(call: Call, name: &'static str, value: &str) -> Call {
    // Both come from the service, or are constant; without it, the service refuses the call.
    call.clone().with_header(name, value).unwrap_or(call)
}

/// Returns the first line of an answer.
fn text(answer: &Answer, missing: &'static str) -> Result<String, Error> {
    let line = answer.text().and_then(|text| text.lines().next()).unwrap_or_default().trim();
    if answer.status() == 200 && !line.is_empty() {
        Ok(line.to_owned())
    } else {
        Err(answer.protocol_error(missing))
    }
}
