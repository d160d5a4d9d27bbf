//! The configuration of one provider for each emulated vendor.

use std::fmt::Write as _;

use otpmux::Config;
use otpmux::config::settings::SettingKind;
use otpmux::config::{Environment, Registry};
use otpmux_emulator::{Emulator, Vendor};

/// Providers as a configuration file has them, and the variables that hold their secrets.
pub(crate) struct Emulated {
    pub(crate) providers: String,
    /// The names of the providers, in the order of preference.
    pub(crate) names: Vec<&'static str>,
    pub(crate) environment: Environment,
}

/// The texts of providers that send what otpmux writes name the service.
const MESSAGES: &str = "\n[messages]\napp = \"Acme\"\n";

impl Emulated {
    /// Returns a provider for each vendor that the emulator plays and this build has an adapter of. A
    /// vendor that wants more settings than its credentials is left out.
    pub(crate) fn of(emulator: &Emulator) -> Self {
        let (mut providers, mut names) = (String::new(), Vec::new());
        let mut environment = Environment::new();
        for vendor in emulator.vendors() {
            let Some((lines, secrets)) = provider(emulator, vendor) else { continue };
            let alone = secrets.iter().fold(Environment::new(), |environment, (name, value)| {
                environment.with(name.clone(), value.clone())
            });
            if Config::from_toml(&format!("{lines}{MESSAGES}"), &alone).is_err() {
                continue;
            }
            for (name, value) in secrets {
                environment = environment.with(name, value);
            }
            if !providers.is_empty() {
                providers.push('\n');
            }
            providers.push_str(&lines);
            names.push(vendor.as_str());
        }
        providers.push_str(MESSAGES);
        Self { providers, names, environment }
    }
}

/// Returns the table of a vendor's provider, and the variables that hold its secrets.
fn provider(emulator: &Emulator, vendor: Vendor) -> Option<(String, Vec<(String, String)>)> {
    let registry = Registry::with_compiled_in();
    let adapter = registry.adapter(vendor.as_str()).ok()?;
    let is_secret = |name: &str| {
        let mut settings = adapter.settings.iter().copied().flatten();
        settings.any(|setting| setting.name == name && setting.kind == SettingKind::Secret)
    };
    // A JSON string is a TOML string too.
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut secrets = Vec::new();
    let mut lines = format!("[providers.{vendor}]\nkind = \"{vendor}\"\n");
    let mut line = |name: &str, value: &str| {
        // Writing to a `String` cannot fail.
        let _ = writeln!(lines, "{name} = {}", text(value));
    };
    for (name, value) in emulator.credentials(vendor) {
        if is_secret(&name) {
            let variable = format!("{vendor}_{name}").to_uppercase();
            line(&name, &format!("env:{variable}"));
            secrets.push((variable, value));
        } else {
            line(&name, &value);
        }
    }
    match (vendor, emulator.vendor_addr(vendor)) {
        (Vendor::Smtp, Some(address)) => {
            line("host", &address.ip().to_string());
            line("tls", "none");
            line("from", "Acme <otp@acme.example>");
            let _ = writeln!(lines, "port = {}", address.port());
        }
        _ => line("base_url", &emulator.base_url(vendor)),
    }
    Some((lines, secrets))
}
