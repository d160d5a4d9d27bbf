//! A gateway with emulated vendors behind it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use otpmux::config::settings::{Adapter, Section as _};
use otpmux::config::{Environment, Registry};
use otpmux::http::ReceiptSettings;
use otpmux::provider::{Capabilities, ReceiptTrust};
use otpmux::{Channel, Config};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use otpmux_gateway::{Gateway, Options, install_metrics};
use otpmux_testkit::ScriptedProvider;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const API_KEY: &str = "0123456789abcdef0123456789abcdef";

/// The content of a file of the repository.
pub(crate) fn file(path: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Another code than this one.
pub(crate) fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}

/// The provider of the kind `reporter`, once a configuration has named one: its vendor sends
/// receipts, and wants to know how verifications end.
pub(crate) static REPORTER: OnceLock<Arc<ScriptedProvider>> = OnceLock::new();

const REPORTING: Adapter = Adapter::new("reporter", ReceiptSettings::KEYS, |id, _| {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    capabilities.report = true;
    let provider = ScriptedProvider::new(id.as_str(), capabilities);
    provider.reports.always(|_, _| Ok(()));
    let provider = REPORTER.get_or_init(|| Arc::new(provider));
    Ok(provider.port())
});

/// A gateway that serves, on loopback, before the emulator.
pub(crate) struct Serving {
    pub(crate) emulator: Emulator,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Serving {
    /// `more` is added to a configuration with the providers `primary` (EasyOTP) and `backup`
    /// (StartMessaging).
    pub(crate) async fn start(more: &str, metrics: bool) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
        let text = format!(
            r#"
            [providers.primary]
            kind = "easyotp"
            api_key = "env:EASYOTP_API_KEY"
            base_url = "{}"

            [providers.backup]
            kind = "startmessaging"
            api_key = "env:STARTMESSAGING_API_KEY"
            base_url = "{}"

            [[server.api_keys]]
            name = "tests"
            key = "env:GATEWAY_KEY"

            {more}
            "#,
            emulator.base_url(Vendor::EasyOtp),
            emulator.base_url(Vendor::StartMessaging),
        );
        let environment = Environment::new()
            .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
            .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key)
            .with("EVENTS_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .with("GATEWAY_KEY", API_KEY);
        let registry = Registry::with_compiled_in().register(REPORTING);
        let config = Config::from_toml_with(&text, &environment, &registry);
        let config = config.expect("a configuration");
        let mut options = Options::default();
        options.environment = environment;
        options.listen = Some(([127, 0, 0, 1], 0).into());
        options.metrics = metrics.then(|| install_metrics().expect("no recorder before it"));
        let gateway = Gateway::bind(&config, options).await.expect("a gateway");
        let address = gateway.local_addr();
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(gateway.run_until(async {
            let _ = stopped.await;
        }));
        Self { emulator, address, stop, ended }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn end(self) {
        drop(self.stop);
        self.ended.await.expect("a gateway that ends well");
    }
}
