//! Emulated vendors, a gateway over two of them, and the handset's form connected to it.

use std::sync::Arc;

use otpmux::config::Environment;
use otpmux::{Config, Secret};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use otpmux_gateway::{Gateway, Options};
use tokio::sync::oneshot;

use crate::relay::GatewayRelay;

pub(crate) const PHONE: &str = "+919876543210";

const KEY: &str = "a-key-of-the-handset-only";

pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    /// The gateway's address.
    pub(crate) gateway: String,
    /// The gateway ends with it.
    _stop: oneshot::Sender<()>,
}

impl Stage {
    /// EasyOTP is asked first, then StartMessaging. Resends need not wait, and no limit is in the
    /// way.
    pub(crate) async fn start() -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let environment = Environment::new()
            .with("EASYOTP", emulator.easyotp().api_key)
            .with("STARTMESSAGING", emulator.startmessaging().api_key)
            .with("API_KEY", KEY);
        let config = Config::from_toml(&file(&emulator), &environment).unwrap();
        let mut options = Options::default();
        options.environment = environment;
        options.listen = Some(([127, 0, 0, 1], 0).into());
        let gateway = Gateway::bind(&config, options).await.unwrap();
        let url = gateway.url();
        let relay = url.parse().unwrap();
        emulator.set_relay(Arc::new(GatewayRelay::new(relay, Secret::new(KEY), false).unwrap()));
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(gateway.run_until(async move {
            // It is never sent, only dropped.
            let _ = stopped.await;
        }));
        Self { emulator, gateway: url, _stop: stop }
    }
}

fn file(emulator: &Emulator) -> String {
    let easyotp = emulator.base_url(Vendor::EasyOtp);
    let startmessaging = emulator.base_url(Vendor::StartMessaging);
    format!(
        r#"
        [policy]
        resend_delay = "0s"

        [limits]
        recipient = []

        [providers.easyotp]
        kind = "easyotp"
        base_url = "{easyotp}"
        api_key = "env:EASYOTP"

        [providers.startmessaging]
        kind = "startmessaging"
        base_url = "{startmessaging}"
        api_key = "env:STARTMESSAGING"

        [[server.api_keys]]
        name = "handset"
        key = "env:API_KEY"
        "#
    )
}
