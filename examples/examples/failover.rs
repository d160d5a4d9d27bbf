//! A vendor accepts a message and breaks before it answers. The next one sends the same code, so
//! either message works.
//!
//!     cargo run -p otpmux-examples --example failover

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, FaultKind, MessageFilter, Vendor};

const NUMBER: &str = "+919876543210";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start(EmulatorConfig::default()).await?;

    // The order in the file is the order of preference; [[routes]] could refine it. `duplicates` is
    // how many extra messages one verification may cost when it is unknown whether the first was
    // sent. 1 is the default; with 0 there would be no second message here.
    let file = format!(
        r#"
        [providers.primary]
        kind = "easyotp"
        api_key = "env:EASYOTP_API_KEY"
        base_url = "{}"

        [providers.backup]
        kind = "startmessaging"
        api_key = "env:STARTMESSAGING_API_KEY"
        base_url = "{}"

        [policy]
        max_duplicates = 1
        "#,
        emulator.base_url(Vendor::EasyOtp),
        emulator.base_url(Vendor::StartMessaging),
    );
    let environment = Environment::new()
        .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
        .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key);
    let client = OtpClient::from_config(&Config::from_toml(&file, &environment)?)?;

    // EasyOTP sends the message, then its connection is reset.
    let broken = Fault::new(FaultKind::ResetAfterRead).after_work();
    emulator.set_fault(Vendor::EasyOtp, broken);

    let to: Recipient = NUMBER.parse()?;
    let sent = client.send(NewVerification::to(to)).await?;

    // The send attempts, and what is known about each.
    for attempt in &sent.send_attempts {
        println!("{}: {:?}", attempt.provider, attempt.state);
    }
    let messages = emulator.messages(&MessageFilter::default().to(NUMBER));
    let codes: Vec<_> = messages.iter().map(|message| &message.code).collect();
    println!("{} messages on the handset", codes.len());
    if codes.len() != 2 || codes[0] != codes[1] {
        return Err("the handset should hold the same code twice".into());
    }

    // Verifying needs no vendor: EasyOTP is still broken.
    let typed: Code = codes[0].parse()?;
    if !client.verify(sent.id, &typed).await?.is_approved() {
        return Err("the right code was not approved".into());
    }
    println!("approved");
    Ok(())
}
