//! Another vendor with another configuration: `sign_in` depends on neither.
//!
//!     cargo run -p otpmux-examples --example switch_vendor

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter, Vendor};

const NUMBER: &str = "+919876543210";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Emulates both vendors on this machine.
    let emulator = Emulator::start(EmulatorConfig::default()).await?;
    let environment = Environment::new()
        .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
        .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key);

    let monday = format!(
        r#"
        [providers.codes]
        kind = "easyotp"
        api_key = "env:EASYOTP_API_KEY"
        base_url = "{}"
        "#,
        emulator.base_url(Vendor::EasyOtp)
    );
    let tuesday = format!(
        r#"
        [providers.codes]
        kind = "startmessaging"
        api_key = "env:STARTMESSAGING_API_KEY"
        base_url = "{}"
        "#,
        emulator.base_url(Vendor::StartMessaging)
    );

    for (file, vendor) in [(monday, Vendor::EasyOtp), (tuesday, Vendor::StartMessaging)] {
        let client = OtpClient::from_config(&Config::from_toml(&file, &environment)?)?;
        let approved = sign_in(&client, &emulator).await?;
        let messages = emulator.messages(&MessageFilter::default().vendor(vendor));
        println!("{vendor}: {} message, approved: {approved}", messages.len());
        if !approved || messages.len() != 1 {
            return Err(format!("{vendor} did not carry the code").into());
        }
    }
    Ok(())
}

/// The application: the same for every vendor.
async fn sign_in(client: &OtpClient, handset: &Emulator) -> Result<bool, Box<dyn Error>> {
    let to: Recipient = NUMBER.parse()?;
    let sent = client.send(NewVerification::to(to)).await?;
    let typed: Code = handset.last_code(NUMBER).unwrap_or_default().parse()?;
    Ok(client.verify(sent.id, &typed).await?.is_approved())
}
