//! From the settings of a provider to the provider.

use std::sync::Arc;

use otpmux_core::settings::{Adapter, ConfigError, Section as _, Setting, Settings, nearest};
use otpmux_core::{Capabilities, OtpProvider, ProviderId, Secret};
use otpmux_http::{HttpConfig, HttpSettings, ReceiptSettings};

use crate::definition::{Definition, DefinitionErrors, SettingDeclaration, SettingForm};
use crate::plan::{Given, Plan, Value};
use crate::provider::HttpProvider;
use crate::receipts::ReceiptReader;

/// The kind of a provider whose definition is in the configuration.
const KIND: &str = "http";

/// The connection to the vendor: the same keys as for every vendor.
pub(crate) const HTTP: &[Setting] = HttpSettings::KEYS[0];
/// The keys of a vendor with receipts.
pub(crate) const RECEIPTS: &[Setting] = ReceiptSettings::KEYS[0];
/// The key of a vendor that checks the address of receipts.
pub(crate) const VERIFY_TOKEN: &[Setting] = &[Setting::secret(
    "receipt_verify_token",
    "The token that the vendor sends when it checks the address of receipts. Choose it, and enter it in \
     the vendor's console too. Absent: the address cannot be set up.",
)];

const KEYS: &[Setting] = &[
    Setting::tree(
        "definition",
        "How to send by the vendor: a table, or the path of a TOML file with it, from the directory of \
         this file. See \"Any vendor by configuration\".",
    )
    .required()
    .with_example(|| "acme.toml".into()),
    Setting::texts(
        "settings",
        "The values of `{setting.NAME}` in the definition that are no secrets. Absent: none.",
    )
    .with_example(|| serde_json::json!({ "account": "a-1" })),
    Setting::secrets(
        "secrets",
        "The values of `{setting.NAME}` in the definition that are secrets. Absent: none.",
    ),
    Setting::text(
        "sender",
        "The value of `{sender}` for requests without one. Absent: there `{sender}` is absent too.",
    )
    .with_example(|| "Acme".into()),
    Setting::text(
        "template",
        "The value of `{template}` for requests and messages without one. Absent: there `{template}` is \
         absent too.",
    )
    .with_example(|| "otp-login".into()),
];

/// The adapter of any vendor that the configuration defines, for a registry.
pub const ADAPTER: Adapter =
    Adapter::new(KIND, &[KEYS, VERIFY_TOKEN, HTTP, RECEIPTS], build).with_describe(describe);

fn build(id: ProviderId, settings: &Settings) -> Result<Arc<dyn OtpProvider>, ConfigError> {
    let ready = read(settings).map_err(first)?;
    let provider = ready.build(id, KIND).map_err(|error| settings.locate(error))?;
    Ok(Arc::new(provider))
}

fn describe(settings: &Settings) -> Result<Capabilities, Vec<ConfigError>> {
    read(settings).map(|ready| ready.capabilities)
}

/// Returns the first of some mistakes; all of them were reported when the settings were checked.
pub(crate) fn first(mut mistakes: Vec<ConfigError>) -> ConfigError {
    let wrong = || ConfigError::new("", "the definition has a mistake");
    if mistakes.is_empty() { wrong() } else { mistakes.remove(0) }
}

/// The settings that do not depend on the definition.
#[derive(Clone, Debug, Default)]
struct Common {
    http: HttpSettings,
    receipts: ReceiptSettings,
    verify_token: Option<Secret>,
}

/// Everything of a provider except its name.
pub(crate) struct Ready {
    plan: Plan,
    receipts: Option<ReceiptReader>,
    pub(crate) capabilities: Capabilities,
    http: HttpConfig,
}

impl Ready {
    /// Puts the settings of a provider into a definition.
    pub(crate) fn new(
        definition: &Definition,
        given: &Given,
        settings: &Settings,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut common = Common::default();
        common.http.apply(settings);
        common.receipts.apply(settings);
        common.verify_token = settings.secret("receipt_verify_token");
        Self::with(definition, given, common)
    }

    fn with(
        definition: &Definition,
        given: &Given,
        common: Common,
    ) -> Result<Self, Vec<ConfigError>> {
        let Common { http, receipts: receipt_settings, verify_token } = common;
        let mut plan = Plan::new(definition, given)?;
        // They are in no request, and a vendor's answer that repeats one must not show it either.
        let of_receipts = [&receipt_settings.receipt_secret, &receipt_settings.receipt_secret_old];
        plan.secrets.extend(of_receipts.into_iter().chain([&verify_token]).flatten().cloned());
        let receipts = ReceiptReader::new(definition, &receipt_settings, verify_token, given);
        let receipts = receipts.map_err(|error| vec![error])?;
        let url = plan.base_url.as_deref();
        if url.is_none() && http.base_url.is_none() {
            let message = "missing; it is required: the address differs from account to account";
            return Err(vec![ConfigError::new("base_url", message)]);
        }
        let http = http.config(url.unwrap_or_default()).map_err(|error| vec![error])?;
        let mut capabilities = plan.capabilities.clone();
        capabilities.receipts = receipts.as_ref().map(ReceiptReader::trust);
        capabilities.receipts_by_reference =
            receipts.as_ref().is_some_and(ReceiptReader::needs_references);
        Ok(Self { plan, receipts, capabilities, http })
    }

    pub(crate) fn build(
        self,
        id: ProviderId,
        kind: &'static str,
    ) -> Result<HttpProvider, ConfigError> {
        let Self { plan, receipts, capabilities, http } = self;
        let provider = HttpProvider::new(id, kind, plan, receipts, capabilities, http);
        provider.map_err(|error| ConfigError::new("", error.detail()))
    }
}

/// The settings of one account at a vendor that a [`Definition`] describes;
/// [`HttpProvider::builder`] makes them.
#[derive(Clone, Debug)]
pub struct HttpProviderBuilder {
    definition: Definition,
    given: Given,
    common: Common,
}

impl HttpProvider {
    /// Returns the settings of an account, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_generic_http::{Definition, HttpProvider};
    ///
    /// let definition = Definition::from_toml(r#"
    ///     base_url = "https://api.acme.example/v1"
    ///     auth.bearer = "{setting.api_key}"
    ///     limits.code_length = "4-10"
    ///     channels.sms = {}
    ///     send.path = "/messages"
    ///     send.json = { to = "{to}", body = "{text}" }
    ///     success = { status = 201, reference = { pointer = "/id" } }
    /// "#)?;
    /// let provider = HttpProvider::builder(definition).secret("api_key", "made-up").build("acme")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(definition: Definition) -> HttpProviderBuilder {
        let (given, common) = (Given::default(), Common::default());
        HttpProviderBuilder { definition, given, common }
    }
}

impl HttpProviderBuilder {
    /// Sets the value of `{setting.NAME}`, which is no secret.
    pub fn setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.given.insert(name, Value::Text(value.into()));
        self
    }

    /// Sets the value of `{setting.NAME}`, which is a secret.
    pub fn secret(mut self, name: &str, value: impl Into<Secret>) -> Self {
        self.given.insert(name, Value::Secret(value.into()));
        self
    }

    /// Sets `{sender}` for requests without one.
    pub fn sender(self, sender: impl Into<String>) -> Self {
        self.setting("sender", sender)
    }

    /// Sets `{template}` for requests and messages without one.
    pub fn template(self, template: impl Into<String>) -> Self {
        self.setting("template", template)
    }

    /// Sets how to reach the vendor.
    pub fn http(mut self, http: HttpSettings) -> Self {
        self.common.http = http;
        self
    }

    /// Sets which receipts are accepted.
    pub fn receipts(mut self, receipts: ReceiptSettings) -> Self {
        self.common.receipts = receipts;
        self
    }

    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// Every setting that is missing or invalid.
    pub fn build(self, name: &str) -> Result<HttpProvider, DefinitionErrors> {
        let one = |error| DefinitionErrors(vec![error]);
        let id = ProviderId::new(name);
        let id = id.map_err(|error| one(ConfigError::new("", error.to_string())))?;
        let given = self.given().map_err(DefinitionErrors)?;
        let ready = Ready::with(&self.definition, &given, self.common);
        ready.map_err(DefinitionErrors)?.build(id, KIND).map_err(one)
    }

    /// Returns the settings in the types that the definition declares, with its defaults.
    fn given(&self) -> Result<Given, Vec<ConfigError>> {
        let Self { definition, given: named, .. } = self;
        let (mut given, mut mistakes) = (named.clone(), Vec::new());
        for name in named.names() {
            if !["sender", "template"].contains(&name) {
                mistakes.extend(unknown(definition, name, name.to_owned()));
            }
            if let Some(Value::Text(text)) = named.get(name) {
                match typed(definition, name, text) {
                    Ok(value) => given.insert(name, value),
                    Err(message) => mistakes.push(ConfigError::new(name, message)),
                }
            }
        }
        complete(definition, &mut given, |one| one.name.clone(), &mut mistakes);
        if mistakes.is_empty() { Ok(given) } else { Err(mistakes) }
    }
}

/// Reads the settings of a provider whose definition is among them.
fn read(settings: &Settings) -> Result<Ready, Vec<ConfigError>> {
    let locate = |mistakes: Vec<ConfigError>| -> Vec<ConfigError> {
        mistakes.into_iter().map(|mistake| settings.locate(mistake)).collect()
    };
    let tree = settings.required("definition", settings.tree("definition"));
    let tree = tree.map_err(|error| vec![error])?;
    let definition = Definition::from_json(tree).map_err(|errors| {
        locate(errors.0.into_iter().map(|error| error.within("definition")).collect())
    })?;
    let given = given(&definition, settings).map_err(locate)?;
    Ready::new(&definition, &given, settings).map_err(locate)
}

/// Returns the values of the tables `settings` and `secrets`, in the types that the definition
/// declares.
fn given(definition: &Definition, settings: &Settings) -> Result<Given, Vec<ConfigError>> {
    let (mut given, mut mistakes) = (Given::default(), Vec::new());
    for key in ["sender", "template"] {
        if let Some(text) = settings.text(key) {
            given.insert(key, Value::Text(text.to_owned()));
        }
    }
    for (name, text) in settings.texts("settings").into_iter().flatten() {
        match typed(definition, name, text) {
            Ok(value) => given.insert(name, value),
            Err(message) => mistakes.push(ConfigError::new(format!("settings.{name}"), message)),
        }
    }
    for (name, secret) in settings.secrets("secrets").into_iter().flatten() {
        if given.get(name).is_some() {
            let message = "is in `settings` too; a secret belongs in `secrets` only";
            mistakes.push(ConfigError::new(format!("secrets.{name}"), message));
        }
        given.insert(name, Value::Secret(secret.clone()));
    }
    let tables = [("settings", false), ("secrets", true)];
    for (table, secrets) in tables {
        for name in names(settings, table) {
            mistakes.extend(unknown(definition, &name, format!("{table}.{name}")));
            let wrong = declared(definition, &name)
                .is_some_and(|one| (one.form == SettingForm::Secret) != secrets);
            if wrong {
                let right = if secrets { "settings" } else { "secrets" };
                let message = format!("belongs in `{right}`");
                mistakes.push(ConfigError::new(format!("{table}.{name}"), message));
            }
        }
    }
    let path = |one: &SettingDeclaration| {
        let table = if one.form == SettingForm::Secret { "secrets" } else { "settings" };
        format!("{table}.{}", one.name)
    };
    complete(definition, &mut given, path, &mut mistakes);
    if mistakes.is_empty() { Ok(given) } else { Err(mistakes) }
}

/// Returns the mistake that the definition has no such setting.
fn unknown(definition: &Definition, name: &str, path: String) -> Option<ConfigError> {
    let used = definition.settings().any(|used| used == name);
    if used || declared(definition, name).is_some() {
        return None;
    }
    let hint = nearest(name, definition.settings())
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Some(ConfigError::new(path, format!("the definition does not use it{hint}")))
}

/// Adds the defaults of settings that are not given; those without one may be required.
fn complete(
    definition: &Definition,
    given: &mut Given,
    path: impl Fn(&SettingDeclaration) -> String,
    mistakes: &mut Vec<ConfigError>,
) {
    for one in definition.declared.iter().flatten() {
        if given.get(&one.name).is_some() {
            continue;
        }
        if let Some(default) = &one.default {
            given.insert(&one.name, default_value(default));
        } else if one.required {
            mistakes.push(ConfigError::new(path(one), "missing; it is required"));
        }
    }
}

fn names(settings: &Settings, table: &str) -> Vec<String> {
    let texts = settings.texts(table).into_iter().flatten().map(|(name, _)| name.clone());
    let secrets = settings.secrets(table).into_iter().flatten().map(|(name, _)| name.clone());
    texts.chain(secrets).collect()
}

fn declared<'d>(definition: &'d Definition, name: &str) -> Option<&'d SettingDeclaration> {
    definition.declared.iter().flatten().find(|one| one.name == name)
}

fn typed(definition: &Definition, name: &str, text: &str) -> Result<Value, String> {
    let text_value = || Value::Text(text.to_owned());
    Ok(match declared(definition, name).map(|one| &one.form) {
        None | Some(SettingForm::Text | SettingForm::Secret) => text_value(),
        Some(SettingForm::Flag) => match text {
            "true" => Value::Flag(true),
            "false" => Value::Flag(false),
            _ => return Err("must be \"true\" or \"false\"".to_owned()),
        },
        Some(SettingForm::Integer) => {
            let number = text.parse().map_err(|_| "must be a whole number".to_owned())?;
            Value::Integer(number)
        }
        Some(SettingForm::Choice(words)) if words.iter().any(|word| word == text) => text_value(),
        Some(SettingForm::Choice(words)) => {
            return Err(format!("must be one of: {}", words.join(", ")));
        }
    })
}

/// Returns a default, whose type the definition has checked.
pub(crate) fn default_value(default: &serde_json::Value) -> Value {
    match default {
        serde_json::Value::Bool(flag) => Value::Flag(*flag),
        serde_json::Value::Number(number) => Value::Integer(number.as_i64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        other => Value::Text(other.to_string()),
    }
}
