use std::collections::BTreeMap;

use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, nearest, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::{BaseUrl, HttpConfig, HttpSettings, check_credential};
use serde_json::Value;

use crate::provider::capabilities;
use crate::{AirTexts, Endpoint};

/// The documented address (send page).
const BASE_URL: &str = "https://api.airtexts.com";

const CREDENTIALS: &str = "api_key and api_secret, or username and password, or bearer";

otpmux_core::settings! {
    /// The settings of one application at AirTexts; [`AirTexts::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct AirTextsBuilder {
        /// The application's id at AirTexts.
        pub appid: Option<String> = None, text().required(), example "acme-login";
        /// The API key; goes with `api_secret`.
        pub api_key: Option<Secret> = None, secret(), example "env:AIRTEXTS_API_KEY";
        /// The API secret; goes with `api_key`.
        pub api_secret: Option<Secret> = None, secret(), example "env:AIRTEXTS_API_SECRET";
        /// The user of Basic authentication, without a colon; goes with `password`.
        pub username: Option<String> = None, text().check(check_username), example "acme";
        /// The password of Basic authentication; goes with `username`.
        pub password: Option<Secret> = None, secret(), example "env:AIRTEXTS_PASSWORD";
        /// A token for Bearer authentication, sent as it is.
        pub bearer: Option<Secret> = None, secret(), example "env:AIRTEXTS_TOKEN";
        /// The sender's name. Absent: AirTexts' own, `OTP`.
        pub from: Option<String> = None, text(), example "Acme";
        /// The number of a template. Absent: AirTexts' own text.
        pub template_id: Option<u64> = None, integer(0..=i64::MAX), example 123;
        /// The language of messages, such as `pt`. Absent: AirTexts' own, `en`.
        pub lang: Option<String> = None, text(), example "pt";
        /// The length of all codes here. Absent: the length that a send asks for, or AirTexts' own, 6.
        pub otp_length: Option<u8> = None, integer(4..=8), example 8;
        /// Other paths than the documented ones, by call: `send`, `verify`, `resend`, `status`,
        /// `list`, `logs`, `rate_limits`, `attempts`, `reports`. Each begins with `/`.
        pub paths: BTreeMap<String, String> = BTreeMap::new(), texts(),
            example { "send": "/v2/otp/send" };
        /// The account has `/otp/resend`, whose form is assumed.
        pub resend: bool = false, flag(), example true;
        /// The account has `/otp/status`, whose form is assumed.
        pub status: bool = false, flag(), example true;
        /// The field that says that a code is right, in the answer to a verify: names joined by dots.
        /// Goes with `approved_value`.
        pub approved_field: Option<String> = None, text(), example "data.result";
        /// The exact value of that field for a right code; `true` and `false` are JSON's, anything
        /// else is text. Goes with `approved_field`.
        pub approved_value: Option<String> = None, text(), example "true";
        groups {
            /// How to reach AirTexts.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = AirTextsBuilder::ADAPTER;

impl AirTextsBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<AirTexts, ConfigError> {
        self.build_as(name)
    }

    fn config(&self) -> Result<AirTextsConfig, ConfigError> {
        Ok(AirTextsConfig {
            http: self.http.config(BASE_URL)?,
            appid: required("appid", &self.appid)?,
            credentials: self.credentials()?,
            from: self.from.clone(),
            template_id: self.template_id,
            lang: self.lang.clone(),
            otp_length: self.otp_length,
            paths: self.endpoints()?,
            resend: self.resend,
            status: self.status,
            approval: self.approval()?,
        })
    }

    fn credentials(&self) -> Result<Credentials, ConfigError> {
        let pair = (self.api_key.clone(), self.api_secret.clone());
        let basic = (self.username.clone(), self.password.clone());
        let given = [
            ("api_key", pair.0.is_some() || pair.1.is_some()),
            ("username", basic.0.is_some() || basic.1.is_some()),
            ("bearer", self.bearer.is_some()),
        ];
        let mut given = given.iter().filter(|(_, given)| *given).map(|(key, _)| *key);
        match (given.next(), given.next()) {
            (None, _) => {
                let message = format!("no credentials; give {CREDENTIALS}");
                return Err(ConfigError::new("api_key", message));
            }
            (Some(_), Some(second)) => {
                let message = format!("more than one kind of credentials; give {CREDENTIALS}");
                return Err(ConfigError::new(second, message));
            }
            _ => {}
        }
        let half =
            |missing, other| ConfigError::new(missing, format!("missing; it goes with `{other}`"));
        let credentials = match (pair, basic, self.bearer.clone()) {
            ((Some(key), Some(secret)), ..) => Credentials::KeyPair { key, secret },
            ((Some(_), None), ..) => return Err(half("api_secret", "api_key")),
            ((None, Some(_)), ..) => return Err(half("api_key", "api_secret")),
            (_, (Some(username), Some(password)), _) => Credentials::Basic { username, password },
            (_, (Some(_), None), _) => return Err(half("password", "username")),
            (_, (None, Some(_)), _) => return Err(half("username", "password")),
            (_, _, Some(token)) => Credentials::Bearer { token },
            (_, _, None) => {
                return Err(ConfigError::new("api_key", format!("give {CREDENTIALS}")));
            }
        };
        let secrets = [
            ("api_key", &self.api_key),
            ("api_secret", &self.api_secret),
            ("bearer", &self.bearer),
        ];
        for (key, secret) in secrets {
            if let Some(Err(message)) = secret.as_ref().map(check_credential) {
                return Err(ConfigError::new(key, message));
            }
        }
        Ok(credentials)
    }

    fn endpoints(&self) -> Result<BTreeMap<Endpoint, String>, ConfigError> {
        let mut endpoints = BTreeMap::new();
        for (name, path) in &self.paths {
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
                return Err(ConfigError::new(at, message));
            };
            if !is_path(path) {
                return Err(ConfigError::new(at, "must begin with / and hold no ?, # or space"));
            }
            endpoints.insert(*endpoint, path.clone());
        }
        Ok(endpoints)
    }

    fn approval(&self) -> Result<Option<Approval>, ConfigError> {
        let half =
            |missing, other| ConfigError::new(missing, format!("missing; it goes with `{other}`"));
        match (self.approved_field.as_deref(), self.approved_value.as_deref()) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(half("approved_value", "approved_field")),
            (None, Some(_)) => Err(half("approved_field", "approved_value")),
            (Some(field), Some(_)) if field.split('.').any(str::is_empty) => {
                Err(ConfigError::new("approved_field", "must be names joined by single dots"))
            }
            (Some(field), Some("true")) => Ok(Some(Approval::flag(field, true))),
            (Some(field), Some("false")) => Ok(Some(Approval::flag(field, false))),
            (Some(field), Some(value)) => Ok(Some(Approval::text(
                field,
                // `"true"` in quotes is the text.
                serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()),
            ))),
        }
    }
}

impl VendorSettings for AirTextsBuilder {
    const KIND: &'static str = "airtexts";
    type Provider = AirTexts;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.config().map(|config| capabilities(&config))
    }

    fn provider(&self, id: ProviderId) -> Result<AirTexts, ConfigError> {
        let provider = AirTexts::new(id, self.config()?);
        provider.map_err(|error| ConfigError::new("", error.detail()))
    }
}

fn check_username(text: &str) -> Result<(), String> {
    let rule = || "a user name of Basic authentication holds no colon".to_owned();
    (!text.contains(':')).then_some(()).ok_or_else(rule)
}

/// The three documented kinds of credentials (overview page). Each request carries exactly one.
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
    /// `Authorization: Basic`. The vendor does not say whether this is the key pair again or the
    /// console login.
    Basic {
        /// The user; holds no colon.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// A token that the vendor calls "a JWT or base64 credentials"; sent unchanged.
        token: Secret,
    },
}

/// A form of "verified" that an operator has seen at the live service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    path: Vec<String>,
    value: Value,
}

impl Approval {
    /// Matches when the field (names joined by dots, from the top of the JSON object) is exactly
    /// this text.
    pub fn text(field: &str, value: impl Into<String>) -> Self {
        Self::new(field, Value::String(value.into()))
    }

    /// Matches when the field is exactly this `true` or `false`.
    pub fn flag(field: &str, value: bool) -> Self {
        Self::new(field, Value::Bool(value))
    }

    fn new(field: &str, value: Value) -> Self {
        Self { path: field.split('.').map(str::to_owned).collect(), value }
    }

    /// Returns whether the field holds the value; `None` if the field is absent.
    pub(crate) fn holds(&self, root: &serde_json::Map<String, Value>) -> Option<bool> {
        let (first, rest) = self.path.split_first()?;
        let found =
            rest.iter().try_fold(root.get(first)?, |value, name| value.as_object()?.get(name))?;
        Some(*found == self.value)
    }

    /// Returns whether it concerns this field.
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
    /// The application's id, sent with every request.
    pub appid: String,
    /// The credentials.
    pub credentials: Credentials,
    /// The sender's name (`from`); `None` uses the vendor's default, `OTP`.
    pub from: Option<String>,
    /// The number of the template; `None` uses the vendor's default text.
    pub template_id: Option<u64>,
    /// The language; `None` uses the vendor's default, `en`.
    pub lang: Option<String>,
    /// The length of codes, 4 to 8; `None` uses the vendor's default, 6.
    pub otp_length: Option<u8>,
    /// Paths that differ from the documented ones; each begins with `/`.
    pub paths: BTreeMap<Endpoint, String>,
    /// Whether the account has the resend endpoint (A15).
    pub resend: bool,
    /// Whether the account has the status endpoint (A17).
    pub status: bool,
    /// An additional form of "verified" (A6).
    pub approval: Option<Approval>,
}

impl AirTextsConfig {
    /// Returns the configuration of an application at this address; the live service is
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
}

/// Returns whether a text is a valid path of an endpoint.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(|c: char| c == '?' || c == '#' || c.is_whitespace())
}
