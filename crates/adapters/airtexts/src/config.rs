use std::collections::BTreeMap;
use std::sync::Arc;

use otpmux_core::Secret;
use otpmux_core::settings::{Adapter, ConfigError, Setting, Settings, nearest};
use otpmux_http::{BaseUrl, HTTP_SETTINGS, HttpConfig};
use serde_json::Value;

use crate::{AirTexts, Endpoint};

/// The documented address (send page).
const BASE_URL: &str = "https://api.airtexts.com";

const CREDENTIALS: &str = "api_key and api_secret, or username and password, or bearer";

const SETTINGS: &[Setting] = &[
    Setting::text("appid", "The application's id at AirTexts.").required(),
    Setting::secret("api_key", "The API key; goes with `api_secret`."),
    Setting::secret("api_secret", "The API secret; goes with `api_key`."),
    Setting::text("username", "The user of Basic authentication; goes with `password`."),
    Setting::secret("password", "The password of Basic authentication; goes with `username`."),
    Setting::secret("bearer", "A token for Bearer authentication, as it is."),
    Setting::text("from", "The sender's name. The vendor's default is `OTP`."),
    Setting::integer("template_id", 0..=i64::MAX, "The number of a template."),
    Setting::text("lang", "The language of messages, such as `pt`. The vendor's default is `en`."),
    Setting::integer(
        "otp_length",
        4..=8,
        "The length of all codes here. Default: what is asked for, else the vendor's 6.",
    ),
    Setting::texts(
        "paths",
        "Other paths than the documented ones: send, verify, resend, status, list, logs, \
         rate_limits, attempts, reports.",
    ),
    Setting::flag("resend", "The account has /otp/resend, whose form is assumed."),
    Setting::flag("status", "The account has /otp/status, whose form is assumed."),
    Setting::text(
        "approved_field",
        "Where the answer to a verify says that the code is right, such as `data.result`.",
    ),
    Setting::text(
        "approved_value",
        "What stands there then, exactly; true and false are JSON's, anything else is text.",
    ),
];

/// What a registry needs to know about this adapter.
pub const ADAPTER: Adapter =
    Adapter::new("airtexts", &[SETTINGS, HTTP_SETTINGS], |id, settings| {
        let config = AirTextsConfig::from_settings(settings)?;
        let key = match config.credentials {
            Credentials::KeyPair { .. } => "api_key",
            Credentials::Basic { .. } => "username",
            Credentials::Bearer { .. } => "bearer",
        };
        let provider = AirTexts::new(id, config);
        Ok(Arc::new(provider.map_err(|error| settings.error(key, error.detail().to_owned()))?))
    });

/// The three documented kinds of credentials (overview page). One of them, never two, goes on the
/// wire.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// The headers `X-API-Key` and `X-API-Secret`.
    KeyPair {
        /// The API key.
        key: Secret,
        /// The API secret.
        secret: Secret,
    },
    /// `Authorization: Basic`. Whether this is the key pair again or the login of the console, the
    /// vendor does not say.
    Basic {
        /// The user; holds no colon.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// "A JWT or base64 credentials" to the vendor; sent as it is.
        token: Secret,
    },
}

/// What an operator who has seen the live service says that "verified" looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    path: Vec<String>,
    value: Value,
}

impl Approval {
    /// The field, names joined by dots from the top of the JSON object, holds exactly this text.
    pub fn text(field: &str, value: impl Into<String>) -> Self {
        Self::new(field, Value::String(value.into()))
    }

    /// The field holds exactly this `true` or `false`.
    pub fn flag(field: &str, value: bool) -> Self {
        Self::new(field, Value::Bool(value))
    }

    fn new(field: &str, value: Value) -> Self {
        Self { path: field.split('.').map(str::to_owned).collect(), value }
    }

    /// Whether the field is there (`Some`), and whether it holds the value.
    pub(crate) fn holds(&self, root: &serde_json::Map<String, Value>) -> Option<bool> {
        let (first, rest) = self.path.split_first()?;
        let found =
            rest.iter().try_fold(root.get(first)?, |value, name| value.as_object()?.get(name))?;
        Some(*found == self.value)
    }

    /// Whether it is about this field.
    pub(crate) fn is_at(&self, prefix: Option<&str>, name: &str) -> bool {
        let path: Vec<&str> = prefix.into_iter().chain([name]).collect();
        self.path == path
    }
}

/// One application of one account at AirTexts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AirTextsConfig {
    /// How to reach it.
    pub http: HttpConfig,
    /// The application's id, which goes with every request.
    pub appid: String,
    /// The credentials.
    pub credentials: Credentials,
    /// The sender's name (`from`); `None` uses the vendor's, `OTP`.
    pub from: Option<String>,
    /// The number of the template; `None` uses the vendor's text.
    pub template_id: Option<u64>,
    /// The language; `None` uses the vendor's, `en`.
    pub lang: Option<String>,
    /// The length of codes, 4 to 8; `None` uses the vendor's, 6.
    pub otp_length: Option<u8>,
    /// Other paths than the documented ones, each beginning with `/`.
    pub paths: BTreeMap<Endpoint, String>,
    /// The account has the resend endpoint (A15).
    pub resend: bool,
    /// The account has the status endpoint (A17).
    pub status: bool,
    /// A further form of "verified" (A6).
    pub approval: Option<Approval>,
}

impl AirTextsConfig {
    /// An application at the given address, which for the real service is
    /// `https://api.airtexts.com`.
    pub fn new(base_url: BaseUrl, appid: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            http: HttpConfig::new(base_url),
            appid: appid.into(),
            credentials,
            from: None,
            template_id: None,
            lang: None,
            otp_length: None,
            paths: BTreeMap::new(),
            resend: false,
            status: false,
            approval: None,
        }
    }

    fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let text = |key| settings.text(key).map(str::to_owned);
        let appid = settings.required("appid", text("appid"))?;
        let number = |key| settings.integer(key);
        Ok(Self {
            http: HttpConfig::from_settings(settings, BASE_URL)?,
            appid,
            credentials: credentials(settings)?,
            from: text("from"),
            template_id: number("template_id").and_then(|id| id.try_into().ok()),
            lang: text("lang"),
            otp_length: number("otp_length").and_then(|length| length.try_into().ok()),
            paths: paths(settings)?,
            resend: settings.flag("resend").unwrap_or(false),
            status: settings.flag("status").unwrap_or(false),
            approval: approval(settings)?,
        })
    }
}

fn credentials(settings: &Settings) -> Result<Credentials, ConfigError> {
    let secret = |key| settings.secret(key);
    let pair = (secret("api_key"), secret("api_secret"));
    let basic = (settings.text("username").map(str::to_owned), secret("password"));
    let bearer = secret("bearer");
    let given = [
        ("api_key", pair.0.is_some() || pair.1.is_some()),
        ("username", basic.0.is_some() || basic.1.is_some()),
        ("bearer", bearer.is_some()),
    ];
    let mut given = given.iter().filter(|(_, given)| *given).map(|(key, _)| key);
    match (given.next(), given.next()) {
        (None, _) => {
            let message = format!("no credentials; give {CREDENTIALS}");
            return Err(settings.error("api_key", message));
        }
        (Some(_), Some(second)) => {
            let message = format!("more than one kind of credentials; give {CREDENTIALS}");
            return Err(settings.error(second, message));
        }
        _ => {}
    }
    let half = |missing, other| {
        let message = format!("missing; it goes with `{other}`");
        settings.error(missing, message)
    };
    match (pair, basic, bearer) {
        ((Some(key), Some(secret)), ..) => Ok(Credentials::KeyPair { key, secret }),
        ((Some(_), None), ..) => Err(half("api_secret", "api_key")),
        ((None, Some(_)), ..) => Err(half("api_key", "api_secret")),
        (_, (Some(username), Some(password)), _) => Ok(Credentials::Basic { username, password }),
        (_, (Some(_), None), _) => Err(half("password", "username")),
        (_, (None, Some(_)), _) => Err(half("username", "password")),
        (_, _, Some(token)) => Ok(Credentials::Bearer { token }),
        (_, _, None) => Err(settings.error("api_key", format!("give {CREDENTIALS}"))),
    }
}

fn paths(settings: &Settings) -> Result<BTreeMap<Endpoint, String>, ConfigError> {
    let mut paths = BTreeMap::new();
    for (name, path) in settings.texts("paths").into_iter().flatten() {
        let at = format!("paths.{name}");
        let known = || Endpoint::ALL.iter().map(|endpoint| endpoint.name());
        let Some(endpoint) = Endpoint::ALL.iter().find(|e| e.name() == name) else {
            let message = nearest(name, known()).map_or_else(
                || {
                    let known: Vec<_> = known().collect();
                    format!("unknown path; the known ones are: {}", known.join(", "))
                },
                |near| format!("unknown path; did you mean `{near}`?"),
            );
            return Err(settings.error(&at, message));
        };
        if !is_path(path) {
            return Err(settings.error(&at, "must begin with / and hold no ?, # or space"));
        }
        paths.insert(*endpoint, path.clone());
    }
    Ok(paths)
}

/// Whether a text can be the path of an endpoint.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(|c: char| c == '?' || c == '#' || c.is_whitespace())
}

fn approval(settings: &Settings) -> Result<Option<Approval>, ConfigError> {
    match (settings.text("approved_field"), settings.text("approved_value")) {
        (None, None) => Ok(None),
        (Some(_), None) => {
            Err(settings.error("approved_value", "missing; it goes with `approved_field`"))
        }
        (None, Some(_)) => {
            Err(settings.error("approved_field", "missing; it goes with `approved_value`"))
        }
        (Some(field), Some(_)) if field.split('.').any(str::is_empty) => {
            Err(settings.error("approved_field", "must be names joined by single dots"))
        }
        (Some(field), Some("true")) => Ok(Some(Approval::flag(field, true))),
        (Some(field), Some("false")) => Ok(Some(Approval::flag(field, false))),
        (Some(field), Some(value)) => Ok(Some(Approval::text(
            field,
            // "\"true\"" is the text; only whoever needs that text has to know.
            serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
        ))),
    }
}
