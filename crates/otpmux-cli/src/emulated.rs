//! The configuration of one provider for each emulated vendor.

use std::fmt::Write as _;

use otpmux::config::settings::SettingKind;
use otpmux::config::{Environment, Registry};
use otpmux_emulator::{Emulator, Vendor};

/// Providers as a configuration file has them, and the variables that hold their secrets.
pub(crate) struct Emulated {
    pub(crate) providers: String,
    pub(crate) environment: Environment,
}

impl Emulated {
    /// Returns a provider for each vendor that the emulator plays and this build has an adapter of.
    pub(crate) fn of(emulator: &Emulator) -> Self {
        let mut emulated = Self { providers: String::new(), environment: Environment::new() };
        for vendor in emulator.vendors() {
            emulated.add(emulator, vendor);
        }
        // The texts of providers that send what otpmux writes name the service.
        emulated.providers.push_str("\n[messages]\napp = \"Acme\"\n");
        emulated
    }

    fn add(&mut self, emulator: &Emulator, vendor: Vendor) {
        let registry = Registry::with_compiled_in();
        let Ok(adapter) = registry.adapter(vendor.as_str()) else { return };
        let is_secret = |name: &str| {
            let mut settings = adapter.settings.iter().copied().flatten();
            settings.any(|setting| setting.name == name && setting.kind == SettingKind::Secret)
        };
        // A JSON string is a TOML string too.
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let mut lines = format!("[providers.{vendor}]\nkind = \"{vendor}\"\n");
        let mut line = |name: &str, value: &str| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(lines, "{name} = {}", text(value));
        };
        for (name, value) in emulator.credentials(vendor) {
            if is_secret(&name) {
                let variable = format!("{vendor}_{name}").to_uppercase();
                line(&name, &format!("env:{variable}"));
                self.environment = std::mem::take(&mut self.environment).with(variable, value);
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
        if !self.providers.is_empty() {
            self.providers.push('\n');
        }
        self.providers.push_str(&lines);
    }
}
