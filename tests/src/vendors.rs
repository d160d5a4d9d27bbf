//! Every compiled adapter, with the content of its folder. Tests use this list, so that a new
//! vendor is tested as soon as it has a folder.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use otpmux::config::Registry;
use otpmux::vendors::generic_http::Preset;
use otpmux_core::settings::{Adapter, SettingKind};
use otpmux_core::{Capabilities, Channel, OtpProvider, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use otpmux_golden::{Call, Case, Wire};
use otpmux_testkit::golden::{Emulated, Setup, VendorFolder, build, over};
use serde_json::{Map, Value};

use crate::stage::PHONE;

/// An adapter and its folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// The adapter.
    pub adapter: Adapter,
    /// The content of its folder.
    pub folder: VendorFolder,
    path: PathBuf,
}

/// Returns every compiled adapter. The files are read once: there are some hundreds.
pub fn all() -> &'static [Listed] {
    static ALL: LazyLock<Vec<Listed>> = LazyLock::new(read_all);
    &ALL
}

fn read_all() -> Vec<Listed> {
    let registry = Registry::with_compiled_in();
    let folder = |kind: &str| match Preset::named(kind) {
        Some(_) => format!("crates/adapters/http/presets/{kind}"),
        None => format!("crates/adapters/{kind}"),
    };
    let listed = |adapter: &Adapter| Listed::read(*adapter, &folder(adapter.kind));
    registry.adapters().iter().map(listed).collect()
}

/// Returns the template of new adapters: a vendor that is known from golden files only.
pub fn template() -> Listed {
    Listed::read(otpmux_acme::ADAPTER, "tools/new-vendor/template")
}

/// Returns every setup of every adapter.
pub fn setups() -> &'static [Emulation] {
    static SETUPS: LazyLock<Vec<Emulation>> =
        LazyLock::new(|| all().iter().flat_map(Listed::setups).collect());
    &SETUPS
}

/// Returns the setups whose vendor has an emulation that is written by hand: it has limits, and
/// plays what happens over time.
pub fn written() -> impl Iterator<Item = &'static Emulation> {
    setups().iter().filter(|setup| matches!(setup.play, Play::Written { .. }))
}

/// Returns the setup of this name.
pub fn setup(name: &str) -> Emulation {
    let found = setups().iter().find(|setup| setup.name() == name);
    found.unwrap_or_else(|| panic!("no setup has the name {name}")).clone()
}

/// Returns the setups in which only the vendor generates the code, one of each vendor.
pub fn code_makers() -> &'static [Emulation] {
    static MAKERS: LazyLock<Vec<Emulation>> = LazyLock::new(|| {
        let mut makers: Vec<Emulation> = Vec::new();
        for setup in written() {
            let capabilities = setup.capabilities();
            if capabilities.vendor_codes.is_some()
                && capabilities.otpmux_codes.is_none()
                && makers.iter().all(|maker| maker.vendor() != setup.vendor())
            {
                makers.push(setup.clone());
            }
        }
        makers
    });
    &MAKERS
}

impl Listed {
    fn read(adapter: Adapter, path: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        let folder = VendorFolder::read(&path).unwrap_or_else(|error| panic!("{error}"));
        Self { adapter, folder, path }
    }

    /// Returns the configuration of an emulator that plays this vendor from its golden files.
    pub fn replay_in(&self, config: EmulatorConfig) -> EmulatorConfig {
        config.with_replay(self.adapter.kind, &self.path)
    }

    /// Returns the adapter in front of its emulated vendor, once for each of its setups: those of
    /// its `fixture.json`, or else those in which its golden files send a message.
    pub fn setups(&self) -> Vec<Emulation> {
        match self.folder.emulated() {
            Some(emulated) => {
                let play = |setup: &Setup| Emulation {
                    adapter: self.adapter,
                    play: Play::Written { emulated: emulated.clone(), setup: setup.clone() },
                };
                emulated.setups.iter().map(play).collect()
            }
            None => self.replayed(),
        }
    }

    /// Returns the adapter in front of a vendor that is played from its golden files, once for each
    /// different claim of its capabilities.
    pub fn replayed(&self) -> Vec<Emulation> {
        let files = self.folder.files().iter();
        let sends: Vec<&Case> =
            files.flat_map(|file| &file.golden.cases).filter(|case| accepts(case)).collect();
        let mut settings: Vec<&Map<String, Value>> = Vec::new();
        for case in &sends {
            if !settings.contains(&&case.settings) {
                settings.push(&case.settings);
            }
        }
        // The usual setup is the one without further settings.
        settings.sort_by_key(|settings| settings.len());
        let of = |settings: &Map<String, Value>| {
            let sends = sends.iter().filter(|case| case.settings == *settings);
            let play = Play::Replayed(Box::new(Replayed {
                name: name(self.adapter.kind, settings),
                listed: self.clone(),
                settings: settings.clone(),
                sends: sends.map(|case| (*case).clone()).collect(),
            }));
            Emulation { adapter: self.adapter, play }
        };
        // Two setups with the same claims run the same trials. Most trials send by the first channel,
        // so a file must show how.
        let mut setups: Vec<Emulation> = Vec::new();
        for setup in settings.into_iter().map(of) {
            let claims = setup.capabilities();
            let is_shown = claims.channels.first().is_some_and(|channel| setup.is_shown(channel));
            if is_shown && setups.iter().all(|other| other.capabilities() != claims) {
                setups.push(setup);
            }
        }
        setups
    }
}

/// Returns whether the case is a send that the vendor accepts, with a request that its adapter
/// makes.
fn accepts(case: &Case) -> bool {
    case.call == Call::Send && case.expect.get("sent").is_some() && case.wire != Wire::Other
}

fn name(kind: &str, settings: &Map<String, Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let keys = settings.iter().map(|(key, value)| format!("{key}={}", text(value)));
    let keys: Vec<_> = keys.collect();
    if keys.is_empty() { kind.to_owned() } else { format!("{kind}[{}]", keys.join(",")) }
}

/// An adapter in one of its setups, in front of its emulated vendor.
#[derive(Clone, Debug)]
pub struct Emulation {
    adapter: Adapter,
    play: Play,
}

/// How the vendor is emulated.
#[derive(Clone, Debug)]
enum Play {
    /// By an emulation that is written by hand.
    Written { emulated: Emulated, setup: Setup },
    /// From its golden files.
    Replayed(Box<Replayed>),
}

#[derive(Clone, Debug)]
struct Replayed {
    name: String,
    listed: Listed,
    /// Keys of this setup, over those of the folder.
    settings: Map<String, Value>,
    /// The sends that its files show, with these settings.
    sends: Vec<Case>,
}

impl Emulation {
    /// Returns the name of the setup.
    pub fn name(&self) -> &str {
        match &self.play {
            Play::Written { setup, .. } => &setup.name,
            Play::Replayed(replayed) => &replayed.name,
        }
    }

    /// Returns the vendor as the emulator knows it.
    pub fn vendor(&self) -> Vendor {
        let kind = self.adapter.kind;
        match self.play {
            Play::Written { .. } => kind.parse().expect("an emulation of this vendor"),
            Play::Replayed(_) => Vendor::replayed(kind),
        }
    }

    /// Returns the configuration of an emulator that plays this vendor too.
    pub fn play_in(&self, config: EmulatorConfig) -> EmulatorConfig {
        match &self.play {
            Play::Written { .. } => config,
            Play::Replayed(replayed) => replayed.listed.replay_in(config),
        }
    }

    /// Returns a template that the vendor knows.
    pub fn template(&self) -> Option<String> {
        match &self.play {
            Play::Written { emulated, .. } => emulated.template.clone(),
            Play::Replayed(it) => it.sends.iter().find_map(|case| case.input.template.clone()),
        }
    }

    /// Returns a recipient whom the vendor reaches by this channel.
    pub fn recipient(&self, channel: &str) -> Recipient {
        let usual = if channel == "email" { "someone@example.com" } else { PHONE };
        let shown = match &self.play {
            Play::Written { .. } => None,
            Play::Replayed(it) => it.send_by(channel).and_then(|case| case.input.to.as_deref()),
        };
        shown.unwrap_or(usual).parse().expect("a recipient")
    }

    /// Returns whether a file shows how a message is sent by this channel.
    fn is_shown(&self, channel: &Channel) -> bool {
        match &self.play {
            Play::Written { .. } => true,
            Play::Replayed(replayed) => replayed.send_by(channel.as_str()).is_some(),
        }
    }

    /// Returns the reason why the vendor cannot play a trial of the conformance suite; a vendor
    /// that is played from its golden files knows nothing but them.
    pub fn cannot_play(&self, trial: &str) -> Option<&'static str> {
        match &self.play {
            Play::Written { .. } => None,
            Play::Replayed(replayed) => replayed.cannot_play(trial),
        }
    }

    /// Returns the claims of the adapter in this setup.
    pub fn capabilities(&self) -> Capabilities {
        // Those of a new account: adapters check the form of some.
        let usual = self.vendor().credentials();
        let keys = self.keys(|name| usual[name].clone(), "http://127.0.0.1:1");
        self.build(&keys).capabilities().clone()
    }

    /// Changes the emulated account as this setup needs it.
    pub async fn prepare(&self, emulator: &Emulator) {
        if let Play::Written { emulated, setup } = &self.play {
            let account = over(&emulated.account, &setup.account);
            self.change_account(emulator, &account).await;
        }
    }

    /// Replaces fields of the emulated account.
    pub async fn change_account(&self, emulator: &Emulator, fields: &Map<String, Value>) {
        if fields.is_empty() {
            return;
        }
        let kind = self.adapter.kind;
        let url = format!("http://{}/_emulator/accounts/{kind}", emulator.addr());
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
        let own = keys.iter().filter(|(name, _)| self.is(name, &SettingKind::Secret));
        let tables = keys.iter().filter(|(name, _)| self.is(name, &SettingKind::Secrets));
        let tables = tables.flat_map(|(_, table)| table.as_object().expect("a table").values());
        let secrets = own.map(|(_, value)| value).chain(tables);
        secrets.map(|value| value.as_str().expect("a secret is text").to_owned()).collect()
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

    /// As [`provider`](Self::provider), with secrets of the same form that belong to no account.
    pub fn stranger(&self, emulator: &Emulator, timeout: Duration) -> Arc<dyn OtpProvider> {
        let good = with_timeout(self.good_keys(emulator), timeout);
        let mut keys = good.clone();
        for (name, value) in &mut keys {
            let other = |value: &mut Value| {
                *value = other_secret(value.as_str().expect("a secret is text")).into();
            };
            if self.is(name, &SettingKind::Secret) {
                other(value);
            } else if self.is(name, &SettingKind::Secrets) {
                value.as_object_mut().expect("a table").values_mut().for_each(other);
            }
        }
        match &self.play {
            Play::Written { .. } => self.build(&keys),
            // Where the adapter refuses them: every credential is accepted anyway.
            Play::Replayed(_) => {
                build(&self.adapter, self.adapter.kind, &keys).unwrap_or_else(|_| self.build(&good))
            }
        }
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

    /// Returns the configuration keys, with each `{name}` of an emulated account looked up.
    fn keys(&self, credential: impl Fn(&str) -> String, base_url: &str) -> Map<String, Value> {
        match &self.play {
            Play::Written { emulated, setup } => {
                let mut keys = over(&emulated.settings, &setup.settings);
                for value in keys.values_mut() {
                    let text = value.as_str();
                    let name = text.and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
                    if let Some(credential) = name.map(&credential) {
                        *value = credential.into();
                    }
                }
                keys.insert("base_url".to_owned(), base_url.into());
                keys
            }
            Play::Replayed(it) => it.listed.folder.golden_settings(&it.settings, base_url),
        }
    }

    fn is(&self, name: &str, kind: &SettingKind) -> bool {
        let settings = self.adapter.settings.iter().copied().flatten();
        settings.into_iter().any(|setting| setting.name == name && setting.kind == *kind)
    }
}

impl Replayed {
    fn send_by(&self, channel: &str) -> Option<&Case> {
        self.sends.iter().find(|case| case.input.channel.as_deref() == Some(channel))
    }

    fn cannot_play(&self, trial: &str) -> Option<&'static str> {
        let lengths = || self.sends.iter().any(|case| case.input.code_length.is_some());
        match trial {
            "answers/wrong-credentials" | "verify/wrong-credentials" => {
                Some("it accepts all credentials")
            }
            "idempotent/same-key-sends-once" | "status/finds-a-message-by-our-key" => {
                Some("it does not know which part of a request is the key")
            }
            "verify/not-after-too-many-wrong-codes" => Some("it does not count guesses"),
            "test-recipients/are-accepted-and-get-nothing" => {
                Some("it delivers to every recipient")
            }
            "vendor-codes/shortest" | "vendor-codes/longest" if !lengths() => {
                Some("no file shows how a length is asked for")
            }
            "wishes/template" if self.template_is_unknown() => Some("no file shows a template"),
            _ => match trial.strip_prefix("sends/") {
                Some(channel) if self.send_by(channel).is_none() => {
                    Some("no file sends by this channel")
                }
                _ => None,
            },
        }
    }

    fn template_is_unknown(&self) -> bool {
        self.sends.iter().all(|case| case.input.template.is_none())
    }
}

/// Returns another text of the same form: its second half has other letters and digits.
fn other_secret(secret: &str) -> String {
    // Changed characters are no key.
    if secret.starts_with("-----BEGIN ") {
        return include_str!("other_private_key.pem").trim().to_owned();
    }
    let half = secret.chars().count() / 2;
    let other = |(place, c): (usize, char)| match c {
        _ if place < half => c,
        'f' | 'F' | '9' => char::from_u32(u32::from(c) - 1).unwrap_or(c),
        'a'..='e' | 'A'..='E' | '0'..='8' => char::from_u32(u32::from(c) + 1).unwrap_or(c),
        'g'..='z' => 'f',
        'G'..='Z' => 'F',
        other => other,
    };
    secret.chars().enumerate().map(other).collect()
}

fn with_timeout(mut keys: Map<String, Value>, timeout: Duration) -> Map<String, Value> {
    keys.insert("timeout".to_owned(), format!("{}ms", timeout.as_millis()).into());
    keys
}
