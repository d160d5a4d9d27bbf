//! Every compiled adapter, with the content of its folder. Tests use this list, so that a new
//! vendor is tested as soon as it has a folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use otpmux::config::Registry;
use otpmux_core::settings::{Adapter, SettingKind};
use otpmux_core::{Capabilities, OtpProvider};
use otpmux_emulator::{Emulator, Vendor};
use otpmux_testkit::golden::{Emulated, Setup, VendorFolder, build, over};
use serde_json::{Map, Value};

/// An adapter and its folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The adapter.
    pub adapter: Adapter,
    /// The content of its folder.
    pub folder: VendorFolder,
}

/// Returns every compiled adapter.
pub fn all() -> Vec<Listed> {
    let registry = Registry::with_compiled_in();
    registry.adapters().iter().map(|adapter| listed(*adapter)).collect()
}

fn listed(adapter: Adapter) -> Listed {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/adapters");
    let folder = VendorFolder::read(&crates.join(adapter.kind));
    Listed { adapter, folder: folder.unwrap_or_else(|error| panic!("{error}")) }
}

/// Returns every setup of every adapter whose vendor the emulator plays.
pub fn setups() -> Vec<Emulation> {
    all().into_iter().flat_map(|listed| listed.setups()).collect()
}

/// Returns the setup of this name.
pub fn setup(name: &str) -> Emulation {
    let found = setups().into_iter().find(|setup| setup.name() == name);
    found.unwrap_or_else(|| panic!("no setup has the name {name}"))
}

/// Returns the setups in which only the vendor generates the code.
pub fn code_makers() -> Vec<Emulation> {
    let makes = |setup: &Emulation| {
        let capabilities = setup.capabilities();
        capabilities.vendor_codes.is_some() && capabilities.otpmux_codes.is_none()
    };
    setups().into_iter().filter(makes).collect()
}

impl Listed {
    /// Returns the adapter in front of its emulated vendor, once for each of its setups.
    pub fn setups(&self) -> Vec<Emulation> {
        let Some(emulated) = self.folder.emulated() else { return Vec::new() };
        let emulation = |setup: &Setup| Emulation {
            adapter: self.adapter,
            emulated: emulated.clone(),
            setup: setup.clone(),
        };
        emulated.setups.iter().map(emulation).collect()
    }
}

/// An adapter in one of its setups, in front of its emulated vendor.
#[derive(Clone, Debug)]
pub struct Emulation {
    adapter: Adapter,
    emulated: Emulated,
    setup: Setup,
}

impl Emulation {
    /// Returns the name of the setup.
    pub fn name(&self) -> &str {
        &self.setup.name
    }

    /// Returns the vendor as the emulator knows it.
    pub fn vendor(&self) -> Vendor {
        self.adapter.kind.parse().expect("the emulator plays a vendor that has a setup")
    }

    /// Returns a template of the emulated account.
    pub fn template(&self) -> Option<String> {
        self.emulated.template.clone()
    }

    /// Returns the claims of the adapter in this setup.
    pub fn capabilities(&self) -> Capabilities {
        let keys = self.keys(|name| format!("any {name}"), "http://127.0.0.1:1");
        self.build(&keys).capabilities().clone()
    }

    /// Changes the emulated account as this setup needs it.
    pub async fn prepare(&self, emulator: &Emulator) {
        let account = over(&self.emulated.account, &self.setup.account);
        self.change_account(emulator, &account).await;
    }

    /// Replaces fields of the emulated account.
    pub async fn change_account(&self, emulator: &Emulator, fields: &Map<String, Value>) {
        if fields.is_empty() {
            return;
        }
        let url = format!("http://{}/_emulator/accounts/{}", emulator.addr(), self.vendor());
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let body = serde_json::to_vec(fields).expect("JSON");
        let answer = client.put(url).body(body).send().await.expect("the emulator answers");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{fields:?}: {text}");
    }

    /// Returns the secrets of the emulated account in the adapter's configuration.
    pub fn secrets(&self, emulator: &Emulator) -> Vec<String> {
        let keys = self.good_keys(emulator);
        let secret = |(name, value): (&String, &Value)| {
            self.is_secret(name).then(|| value.as_str().expect("a secret is text").to_owned())
        };
        keys.iter().filter_map(secret).collect()
    }

    /// Returns a provider with valid credentials, named after its vendor.
    pub fn provider(&self, emulator: &Emulator, timeout: Duration) -> Arc<dyn OtpProvider> {
        self.build(&with_timeout(self.good_keys(emulator), timeout))
    }

    /// As [`provider`](Self::provider), with the vendor at another address.
    pub fn provider_at(&self, emulator: &Emulator, url: &str) -> Arc<dyn OtpProvider> {
        let mut keys = self.good_keys(emulator);
        keys.insert("base_url".to_owned(), url.into());
        self.build(&keys)
    }

    /// As [`provider`](Self::provider), with another text instead of every secret.
    pub fn provider_with(
        &self,
        emulator: &Emulator,
        secret: &str,
        timeout: Duration,
    ) -> Arc<dyn OtpProvider> {
        let mut keys = self.good_keys(emulator);
        for (name, value) in &mut keys {
            if self.is_secret(name) {
                *value = secret.into();
            }
        }
        self.build(&with_timeout(keys, timeout))
    }

    fn build(&self, keys: &Map<String, Value>) -> Arc<dyn OtpProvider> {
        let provider = build(&self.adapter, self.adapter.kind, keys);
        provider.unwrap_or_else(|error| panic!("{}: {error}", self.name()))
    }

    fn good_keys(&self, emulator: &Emulator) -> Map<String, Value> {
        let ready: Value = serde_json::from_str(&emulator.ready_line()).expect("JSON");
        let vendor = &ready["vendors"][self.adapter.kind];
        let credential = |name: &str| {
            let value = vendor["credentials"][name].as_str();
            value.unwrap_or_else(|| panic!("the emulator has no credential {name}")).to_owned()
        };
        self.keys(credential, &emulator.base_url(self.vendor()))
    }

    /// Returns the configuration keys, with each `{name}` looked up.
    fn keys(&self, credential: impl Fn(&str) -> String, base_url: &str) -> Map<String, Value> {
        let mut keys = over(&self.emulated.settings, &self.setup.settings);
        for value in keys.values_mut() {
            let name = value.as_str().and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
            if let Some(credential) = name.map(&credential) {
                *value = credential.into();
            }
        }
        keys.insert("base_url".to_owned(), base_url.into());
        keys
    }

    fn is_secret(&self, name: &str) -> bool {
        let settings = self.adapter.settings.iter().copied().flatten();
        settings.into_iter().any(|s| s.name == name && s.kind == SettingKind::Secret)
    }
}

fn with_timeout(mut keys: Map<String, Value>, timeout: Duration) -> Map<String, Value> {
    keys.insert("timeout".to_owned(), format!("{}ms", timeout.as_millis()).into());
    keys
}
