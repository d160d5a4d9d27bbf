use std::time::Duration;

use otpmux_core::{Blame, Certainty, Context, Error, ErrorKind, ProviderId, Secret};
use otpmux_http::{BaseUrl, Call, HttpConfig, Reading, Transport, parse_time};

use super::{Environment, Lease};
use crate::AwsBuilder;
use crate::config::suffix;
use crate::sigv4::Keys;
use crate::xml;

/// A token of the platform (a Kubernetes service account, for example) for which STS gives keys.
#[derive(Debug)]
pub(super) struct WebIdentity {
    transport: Transport,
    token_file: String,
    role_arn: String,
    session_name: String,
}

impl WebIdentity {
    pub(super) fn find(
        provider: &ProviderId,
        settings: &AwsBuilder,
        environment: &Environment,
    ) -> Result<Option<Self>, String> {
        let (Some(token_file), Some(role_arn)) =
            (environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.get("AWS_ROLE_ARN"))
        else {
            return Ok(None);
        };
        let region = settings.region.as_deref().unwrap_or_default();
        let usual = format!("https://sts.{region}.{}", suffix(region));
        let url = environment.get("AWS_ENDPOINT_URL_STS").unwrap_or(usual);
        let url: BaseUrl = url.parse().map_err(|error| format!("the address of STS {error}"))?;
        let config = HttpConfig::new(url).with_timeout(Duration::from_secs(5));
        let transport = Transport::new(provider.clone(), config, &[])
            .map_err(|error| error.detail().to_owned())?;
        let session_name =
            environment.get("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "otpmux".to_owned());
        Ok(Some(Self { transport, token_file, role_arn, session_name }))
    }

    pub(super) async fn fetch(&self, cx: &Context) -> Result<Lease, Error> {
        // The platform replaces the file before the token in it ends.
        let token = std::fs::read_to_string(&self.token_file).map_err(|_| {
            Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Provider)
                .with_provider(self.transport.provider().clone())
                .with_detail("the file of AWS_WEB_IDENTITY_TOKEN_FILE cannot be read")
        })?;
        let token = token.trim();
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role_arn),
            ("RoleSessionName", &self.session_name),
            ("WebIdentityToken", token),
        ];
        let call = Call::post_form("/", form).hiding(token);
        let answer = self.transport.call(cx, call).await?;
        let field = |name: &str| {
            let path = [
                "AssumeRoleWithWebIdentityResponse",
                "AssumeRoleWithWebIdentityResult",
                "Credentials",
                name,
            ];
            xml::text_at(answer.bytes(), &path)
        };
        if answer.status() != 200 {
            let code = xml::text_at(answer.bytes(), &["ErrorResponse", "Error", "Code"]);
            let code = code.as_deref().and_then(|code| answer.public_code(code));
            let detail = format!("STS refuses: {}", code.unwrap_or("no reason that can be read"));
            return Err(answer
                .error(Reading::provider(ErrorKind::Unauthenticated))
                .with_detail(detail));
        }
        match (
            field("AccessKeyId"),
            field("SecretAccessKey"),
            field("SessionToken"),
            field("Expiration").as_deref().and_then(parse_time),
        ) {
            (Some(id), Some(secret), Some(token), Some(expiration)) => Ok(Lease {
                keys: Keys {
                    access_key_id: id,
                    secret_access_key: Secret::new(secret),
                    session_token: Some(Secret::new(token)),
                },
                expires_at: Some(expiration),
            }),
            _ => Err(answer.protocol_error("the answer of STS is not as documented")),
        }
    }
}
