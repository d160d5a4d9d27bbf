//! The vendor is a word in the file: the same code, two texts, two vendors.

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Verdict};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter, Vendor};

const TO: &str = "+919876543210";

fn file(emulator: &Emulator, vendor: Vendor) -> String {
    let (kind, url) = (vendor.as_str(), emulator.base_url(vendor));
    format!("[providers.only]\nkind = \"{kind}\"\napi_key = \"env:KEY\"\nbase_url = \"{url}\"")
}

async fn sign_in(emulator: &Emulator, text: &str, environment: &Environment) -> Verdict {
    let config = Config::from_toml(text, environment).unwrap();
    let client = OtpClient::from_config(&config).unwrap();
    let to: otpmux::Recipient = TO.parse().unwrap();
    let sent = client.send(NewVerification::to(to)).await.unwrap();
    assert!(sent.confirmed);
    let typed: Code = emulator.last_code(TO).unwrap().parse().unwrap();
    client.verify(sent.id, &typed).await.unwrap()
}

#[tokio::test]
async fn by_configuration_only() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    for (vendor, key) in [
        (Vendor::EasyOtp, emulator.easyotp().api_key),
        (Vendor::StartMessaging, emulator.startmessaging().api_key),
    ] {
        let environment = Environment::new().with("KEY", key);
        let text = file(&emulator, vendor);
        let verdict = sign_in(&emulator, &text, &environment).await;
        assert_eq!(verdict, Verdict::Approved, "{vendor}");
        let messages = emulator.messages(&MessageFilter::default().vendor(vendor));
        assert_eq!(messages.len(), 1, "{vendor}");
    }
}
