//! Delivers a code that another system made and will check, such as the login server of the company.
//!
//!     cargo run -p otpmux-examples --example deliver

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewDelivery, OtpClient, Outcome, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Vendor};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Plays two vendors on this machine. An application has no emulator ...
    let emulator = Emulator::start(EmulatorConfig::default()).await?;

    // ... and no base_url: without it, the providers call the vendors themselves.
    let file = format!(
        r#"
        [providers.easyotp]
        kind = "easyotp"
        api_key = "env:EASYOTP_API_KEY"
        base_url = "{}"

        [providers.startmessaging]
        kind = "startmessaging"
        api_key = "env:STARTMESSAGING_API_KEY"
        base_url = "{}"
        "#,
        emulator.base_url(Vendor::EasyOtp),
        emulator.base_url(Vendor::StartMessaging),
    );
    let environment = Environment::new()
        .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
        .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key);
    let client = OtpClient::from_config(&Config::from_toml(&file, &environment)?)?;

    // The first vendor is down.
    emulator.set_fault(Vendor::EasyOtp, Fault::status(401));

    // The code of the other system. One idempotency key for all repeats of one request.
    let code = Code::given("427193")?;
    let to: Recipient = "+919876543210".parse()?;
    let new = NewDelivery::of(code, to).with_idempotency_key("login-17");
    let sent = client.deliver(new).await?;
    println!("delivered to {}, confirmed: {}", sent.to, sent.confirmed);

    // The user types the code into the other system, which checks it. Its outcome ends the delivery:
    // the code is not sent again, and vendors that want to know are told.
    let handset = emulator.last_code("+919876543210").unwrap_or_default();
    if handset != "427193" {
        return Err("another code arrived".into());
    }
    client.end_delivery(sent.id, Outcome::Approved).await?;
    let ended = client.delivery(sent.id).await?;
    println!("{} after {} send attempts", ended.status.as_str(), ended.send_attempts.len());
    Ok(())
}
