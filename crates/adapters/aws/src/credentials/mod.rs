//! Where the keys of the account come from, and how long they are kept.

mod container;
mod environment;
mod instance;
mod profile;
mod web_identity;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::settings::ConfigError;
use otpmux_core::{Blame, Certainty, Clock, Context, Error, ErrorKind, ProviderId, Secret};
use otpmux_http::{Answer, parse_time};
use serde::Deserialize;
use tokio::sync::Mutex;

pub(crate) use environment::Environment;

use crate::AwsBuilder;
use crate::sigv4::Keys;
use container::Container;
use instance::Instance;
use profile::Profile;
use web_identity::WebIdentity;

/// How long before their end temporary keys are replaced.
const EARLY: Duration = Duration::from_mins(5);
/// How long the keys of a file are used before the file is read again.
const FILE_LIFE: Duration = Duration::from_mins(15);

/// Keys, and when they end.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    keys: Keys,
    expires_at: Option<SystemTime>,
}

/// The source of keys.
#[derive(Debug)]
enum Source {
    Fixed(Keys),
    Profile(Profile),
    WebIdentity(WebIdentity),
    Container(Container),
    Instance(Instance),
}

/// The keys of an account. Temporary ones are fetched once, however many calls need them, and are
/// replaced five minutes before they end.
pub(crate) struct Credentials {
    source: Source,
    provider: ProviderId,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Lease>>,
}

impl Credentials {
    /// Finds the source. Reads the environment and, where it names one, the shared file; opens no
    /// connection.
    pub(crate) fn new(
        provider: &ProviderId,
        settings: &AwsBuilder,
        environment: &Environment,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let source = find(provider, settings, environment)?;
        Ok(Self { source, provider: provider.clone(), clock, held: Mutex::new(None) })
    }

    /// Returns keys that are good for the next minutes.
    ///
    /// # Errors
    ///
    /// The keys cannot be fetched. The message was certainly not sent.
    pub(crate) async fn keys(&self, cx: &Context) -> Result<Keys, Error> {
        if let Source::Fixed(keys) = &self.source {
            return Ok(keys.clone());
        }
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        let good_for = |lease: &Lease, early: Duration| {
            lease.expires_at.is_none_or(|at| at.checked_sub(early).is_some_and(|at| now < at))
        };
        if let Some(lease) = held.as_ref().filter(|lease| good_for(lease, EARLY)) {
            return Ok(lease.keys.clone());
        }
        match self.fetch(cx, now).await {
            Ok(lease) => {
                let keys = lease.keys.clone();
                *held = Some(lease);
                Ok(keys)
            }
            // The old ones are still good for some minutes.
            Err(error) => match held.as_ref().filter(|lease| good_for(lease, Duration::ZERO)) {
                Some(lease) => Ok(lease.keys.clone()),
                None => Err(error),
            },
        }
    }

    async fn fetch(&self, cx: &Context, now: SystemTime) -> Result<Lease, Error> {
        let fetched = match &self.source {
            Source::Fixed(keys) => Ok(Lease { keys: keys.clone(), expires_at: None }),
            Source::Profile(profile) => profile
                .read()
                .map(|keys| Lease { keys, expires_at: now.checked_add(FILE_LIFE) })
                .map_err(|detail| self.failure(detail)),
            Source::WebIdentity(source) => source.fetch(cx).await,
            Source::Container(source) => source.fetch(cx).await,
            Source::Instance(source) => source.fetch(cx).await,
        };
        // Whatever happened there, the message has not left.
        fetched.map_err(|error| {
            let detail = format!("no AWS credentials from {}: {}", self.place(), error.detail());
            let mut told = self.failure(detail);
            if let Some(after) = error.retry_after() {
                told = told.with_retry_after(after);
            }
            told
        })
    }

    fn failure(&self, detail: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unauthenticated, Certainty::NotSent, Blame::Provider)
            .with_provider(self.provider.clone())
            .with_detail(detail.into())
    }

    fn place(&self) -> &'static str {
        match self.source {
            Source::Fixed(_) => "the settings",
            Source::Profile(_) => "the shared file",
            Source::WebIdentity(_) => "the web identity",
            Source::Container(_) => "the container",
            Source::Instance(_) => "the instance metadata",
        }
    }
}

/// Chooses the source, in the order of Amazon's own SDKs: settings, environment, web identity, shared
/// file, container, instance.
fn find(
    provider: &ProviderId,
    settings: &AwsBuilder,
    environment: &Environment,
) -> Result<Source, ConfigError> {
    let wanted = settings.credentials.as_str();
    let fails = |rule: String| ConfigError::new("credentials", rule);
    if let Some(keys) = fixed(settings)? {
        return match wanted {
            "auto" | "settings" => Ok(Source::Fixed(keys)),
            _ => Err(fails("must be `auto` or `settings` if `access_key_id` is set".to_owned())),
        };
    }
    let is = |word: &str| wanted == "auto" || wanted == word;
    if is("environment")
        && let Some(keys) = environment.keys()
    {
        return Ok(Source::Fixed(keys));
    }
    if is("web_identity")
        && let Some(source) = WebIdentity::find(provider, settings, environment).map_err(fails)?
    {
        return Ok(Source::WebIdentity(source));
    }
    if is("profile") {
        let profile = Profile::find(settings.profile.as_deref(), environment);
        let named = wanted == "profile" || settings.profile.is_some();
        match profile.read() {
            Ok(_) => return Ok(Source::Profile(profile)),
            Err(rule) if named => return Err(ConfigError::new("profile", rule)),
            Err(_) => {}
        }
    }
    if is("container")
        && let Some(source) = Container::find(provider, environment).map_err(fails)?
    {
        return Ok(Source::Container(source));
    }
    if is("instance") {
        return Instance::find(provider, environment).map(Source::Instance).map_err(fails);
    }
    Err(fails(match wanted {
        "settings" => "`settings` needs `access_key_id` and `secret_access_key`".to_owned(),
        "environment" => "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set".to_owned(),
        "web_identity" => "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not set".to_owned(),
        _ => {
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not \
              set"
            .to_owned()
        }
    }))
}

fn fixed(settings: &AwsBuilder) -> Result<Option<Keys>, ConfigError> {
    match (&settings.access_key_id, &settings.secret_access_key) {
        (Some(id), Some(secret)) => Ok(Some(Keys {
            access_key_id: id.clone(),
            secret_access_key: secret.clone(),
            session_token: settings.session_token.clone(),
        })),
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(ConfigError::new("secret_access_key", "missing; `access_key_id` needs it"))
        }
        (None, Some(_)) => {
            Err(ConfigError::new("access_key_id", "missing; `secret_access_key` needs it"))
        }
    }
}

/// The answer of a container or instance.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
    code: Option<String>,
}

/// Reads such an answer.
fn read_document(answer: &Answer) -> Result<Lease, Error> {
    if answer.status() != 200 {
        let kind = ErrorKind::Unauthenticated;
        return Err(answer
            .error(otpmux_http::Reading::provider(kind))
            .with_detail(format!("it answers with status {}", answer.status())));
    }
    let unreadable = || answer.protocol_error("its answer is not as documented");
    let document: Document = answer.parse().ok_or_else(unreadable)?;
    if document.code.is_some_and(|code| code != "Success") {
        return Err(answer.protocol_error("it has no keys for this role"));
    }
    let (Some(id), Some(secret), Some(token), Some(expiration)) = (
        document.access_key_id,
        document.secret_access_key,
        document.token,
        document.expiration.as_deref().and_then(parse_time),
    ) else {
        return Err(unreadable());
    };
    Ok(Lease {
        keys: Keys {
            access_key_id: id,
            secret_access_key: Secret::new(secret),
            session_token: Some(Secret::new(token)),
        },
        expires_at: Some(expiration),
    })
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.place())
    }
}
