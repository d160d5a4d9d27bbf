//! `[[doors.hooks]]`

mod kinds;
mod settings;

use std::time::Duration;

use otpmux_core::settings::Section as _;
use otpmux_core::{Purpose, RateLimit, Secret};
use serde_json::{Map, Value};

use kinds::{CheckForm, Form};
pub use kinds::{HookAnswers, HookKind};
use settings::HookSettings;

use crate::config::reading::Reading;
use crate::config::sections::Keys;
use crate::config::{Environment, SecretError, SecretRef};

pub(super) const KEYS: Keys = <HookSettings as otpmux_core::settings::Section>::KEYS;

/// A hook: an address that an auth server calls to have a code delivered that it has made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HookDoor {
    /// The name, for limits and logs.
    pub name: String,
    /// The software that calls.
    pub kind: HookKind,
    /// The path at the gateway.
    pub path: String,
    /// The purpose of the deliveries.
    pub purpose: Purpose,
    /// How a request proves that it comes from the caller.
    pub check: HookCheck,
    /// Where the values of a request are.
    pub fields: HookFields,
    /// The form of answers.
    pub answers: HookAnswers,
    /// Whether a body may be a form instead of JSON.
    pub urlencoded: bool,
    /// Whether numbers are in international form also without `+`.
    pub plus_is_optional: bool,
    /// Whether the text of the caller is sent, in place of the configured one.
    pub free_text: bool,
    /// The length of a code that is looked for in a text; `None` means any valid length.
    pub code_length: Option<u8>,
    /// The limits on requests of each process.
    pub requests: Vec<RateLimit>,
    /// How long a request may take before it is answered.
    pub deadline: Duration,
    /// How long the codes of the caller are valid.
    pub ttl: Duration,
    settings: HookSettings,
    secret: SecretRef,
    old_secret: Option<SecretRef>,
}

/// How a request proves that it comes from the caller of a hook. Names of headers are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookCheck {
    /// `Authorization: Bearer SECRET`.
    Bearer,
    /// `Authorization: Basic ..`, with this user and the secret as the password.
    Basic {
        /// The user.
        user: String,
    },
    /// The secret as it is, in this header.
    Header {
        /// The header.
        header: String,
    },
    /// HMAC-SHA256 of the body in hexadecimal digits, in this header. A repeat looks like the first
    /// request, for ever.
    HmacHex {
        /// The header.
        header: String,
    },
    /// A time and HMAC-SHA256 of time and body, as `t=..,v1=..` in hexadecimal digits.
    TV1 {
        /// The header.
        header: String,
    },
    /// A time and HMAC-SHA256 of time and body, as `t=..,v2=..` in base64.
    TV2 {
        /// The header.
        header: String,
    },
    /// The three headers of Standard Webhooks.
    StandardWebhooks,
}

/// Where the values of a request are: JSON pointers (RFC 6901), of which the first that leads to a
/// text that is not empty counts. A field of a form is like a member of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HookFields {
    /// The recipient.
    pub recipient: Vec<String>,
    /// The code.
    pub code: Vec<String>,
    /// The finished text.
    pub text: Vec<String>,
    /// The language.
    pub locale: Vec<String>,
    /// The address of the end user.
    pub ip: Vec<String>,
    /// The channel.
    pub channel: Vec<String>,
    /// The caller's name for the request, the same in each repeat.
    pub request: Vec<String>,
}

impl HookDoor {
    /// Returns the secret in force and the one of before a rotation, looked up.
    ///
    /// # Errors
    ///
    /// A secret that cannot be looked up, with the name of its key.
    pub fn secrets(
        &self,
        environment: &Environment,
    ) -> Result<(Secret, Option<Secret>), (&'static str, SecretError)> {
        let secret = self.secret.resolve(environment).map_err(|error| ("secret", error))?;
        let old = self.old_secret.as_ref().map(|old| old.resolve(environment)).transpose();
        Ok((secret, old.map_err(|error| ("old_secret", error))?))
    }

    /// Returns whether a repeated request is known by the time that its signature covers.
    pub fn signs_time(&self) -> bool {
        matches!(
            self.check,
            HookCheck::TV1 { .. } | HookCheck::TV2 { .. } | HookCheck::StandardWebhooks
        )
    }
}

pub(super) fn read(list: Option<&Value>, cx: &mut Reading<'_>) -> Vec<HookDoor> {
    let tables = cx.tables("doors.hooks", list).unwrap_or_default();
    let mut hooks: Vec<HookDoor> = Vec::with_capacity(tables.len());
    for (path, table) in tables {
        let Some(hook) = hook(&path, table, cx) else { continue };
        if hooks.iter().any(|other| other.name == hook.name) {
            cx.mistake(format!("{path}.name"), "another hook has this name already");
        }
        hooks.push(hook);
    }
    hooks
}

pub(super) fn tables(hooks: &[HookDoor]) -> Vec<Value> {
    let table = |hook: &HookDoor| {
        let mut table = hook.settings.changed();
        for (key, secret) in
            [("secret", Some(&hook.secret)), ("old_secret", hook.old_secret.as_ref())]
        {
            if let Some(text) = secret.and_then(SecretRef::text) {
                table.insert(key.to_owned(), text.into());
            }
        }
        Value::from(table)
    };
    hooks.iter().map(table).collect()
}

fn hook(path: &str, table: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<HookDoor> {
    let read = cx.unresolved(path, KEYS, table)?;
    let mut settings = HookSettings::default();
    settings.apply(&read);
    let (name, kind) = (settings.name.clone()?, settings.kind?);
    let form = kind.form();
    // A text that is not a reference was reported already.
    let allow = cx.allow_literals;
    let reference = |secret: &Secret| SecretRef::parse(secret.expose(), allow).ok();
    let secret = reference(settings.secret.as_ref()?)?;
    let old_secret = settings.old_secret.as_ref().and_then(reference);
    let check = check(path, &settings, form, cx);
    let fields = fields(&settings, form);
    if settings.free_text && fields.text.is_empty() {
        let message = format!("a request of kind `{kind}` holds no text; set `text`");
        cx.mistake(format!("{path}.free_text"), message);
    }
    Some(HookDoor {
        path: settings.path.clone().unwrap_or_else(|| format!("/hooks/{name}")),
        name,
        kind,
        purpose: settings.purpose.clone().unwrap_or_default(),
        check: check?,
        fields,
        answers: form.answers,
        urlencoded: form.urlencoded,
        plus_is_optional: settings.numbers_without_plus.unwrap_or(form.plus_is_optional),
        free_text: settings.free_text,
        code_length: settings.code_length,
        requests: settings.requests.clone(),
        deadline: settings.deadline,
        ttl: settings.ttl,
        secret,
        old_secret,
        settings,
    })
}

/// The kind's check, or the configured one.
fn check(
    path: &str,
    settings: &HookSettings,
    form: &Form,
    cx: &mut Reading<'_>,
) -> Option<HookCheck> {
    let chosen = settings.check.unwrap_or(form.check);
    let uses_header =
        !matches!(chosen, CheckForm::Bearer | CheckForm::Basic | CheckForm::StandardWebhooks);
    if settings.header.is_some() && !uses_header {
        let message = format!("has no effect with `check = \"{chosen}\"`; remove it");
        cx.mistake(format!("{path}.header"), message);
    }
    if settings.user.is_some() && chosen != CheckForm::Basic {
        let message = format!("has no effect with `check = \"{chosen}\"`; remove it");
        cx.mistake(format!("{path}.user"), message);
    }
    let own = settings.header.as_ref().map(|header| header.to_ascii_lowercase());
    // The header of the kind belongs to the check of the kind.
    let of_kind = (chosen == form.check).then(|| form.header.to_owned());
    let header = own.or(of_kind);
    let needed = |cx: &mut Reading<'_>| {
        if header.is_none() {
            let message = format!("missing; `check = \"{chosen}\"` needs it");
            cx.mistake(format!("{path}.header"), message);
        }
        header.clone()
    };
    Some(match chosen {
        CheckForm::Bearer => HookCheck::Bearer,
        CheckForm::Basic => {
            let Some(user) = settings.user.clone() else {
                cx.mistake(format!("{path}.user"), "missing; `check = \"basic\"` needs it");
                return None;
            };
            HookCheck::Basic { user }
        }
        CheckForm::Header => HookCheck::Header { header: needed(cx)? },
        CheckForm::HmacHex => HookCheck::HmacHex { header: needed(cx)? },
        CheckForm::TV1 => HookCheck::TV1 { header: needed(cx)? },
        CheckForm::TV2 => HookCheck::TV2 { header: needed(cx)? },
        CheckForm::StandardWebhooks => HookCheck::StandardWebhooks,
    })
}

/// The kind's pointers, each replaced by a configured one.
fn fields(settings: &HookSettings, form: &Form) -> HookFields {
    let of = |own: &Option<String>, of_kind: &[&str]| match own {
        Some(pointer) => vec![pointer.clone()],
        None => of_kind.iter().copied().map(str::to_owned).collect(),
    };
    let places = &form.places;
    HookFields {
        recipient: of(&settings.recipient, places.recipient),
        code: of(&settings.code, places.code),
        text: of(&settings.text, places.text),
        locale: of(&settings.locale, places.locale),
        ip: of(&settings.ip, places.ip),
        channel: of(&settings.channel, places.channel),
        request: of(&settings.request, places.request),
    }
}
