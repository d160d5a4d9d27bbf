//! Another vendor with another configuration: `sign_in` depends on none of them. From Twilio Verify to two vendors
//! with a fallback, and on to a mail server.
//!
//!     cargo run -p otpmux-examples --example switch_vendor

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, FaultPreset, MessageFilter, Vendor};

const NUMBER: &str = "+919876543210";
const MAILBOX: &str = "ann@example.com";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Plays every vendor on this machine.
    let emulator = Emulator::start(EmulatorConfig::default()).await?;
    let account = emulator.twilioverify();
    let environment = Environment::new()
        .with("TWILIO_AUTH_TOKEN", account.auth_token)
        .with("STARTMESSAGING_API_KEY", emulator.startmessaging().api_key)
        .with("EASYOTP_API_KEY", emulator.easyotp().api_key)
        .with("SMTP_PASSWORD", emulator.smtp().password);

    // Monday: Twilio makes the codes and checks them.
    let monday = format!(
        r#"
        [providers.codes]
        kind = "twilioverify"
        account_sid = "{}"
        auth_token = "env:TWILIO_AUTH_TOKEN"
        service_sid = "{}"
        base_url = "{}"
        "#,
        account.account_sid,
        account.service_sid,
        emulator.base_url(Vendor::TwilioVerify),
    );
    // Tuesday: otpmux makes the codes; a second vendor takes over when the first one is down.
    let tuesday = format!(
        r#"
        [providers.codes]
        kind = "startmessaging"
        api_key = "env:STARTMESSAGING_API_KEY"
        base_url = "{}"

        [providers.backup]
        kind = "easyotp"
        api_key = "env:EASYOTP_API_KEY"
        base_url = "{}"
        "#,
        emulator.base_url(Vendor::StartMessaging),
        emulator.base_url(Vendor::EasyOtp),
    );
    // Wednesday: a mail server. Texts that otpmux writes name the service.
    let mail = emulator.vendor_addr(Vendor::Smtp).ok_or("there is no mail server")?;
    let wednesday = format!(
        r#"
        [providers.codes]
        kind = "smtp"
        host = "{}"
        port = {}
        tls = "none" # on this machine only
        username = "{}"
        password = "env:SMTP_PASSWORD"
        from = "Acme <otp@acme.example>"

        [messages]
        app = "Acme"
        "#,
        mail.ip(),
        mail.port(),
        emulator.smtp().username,
    );

    emulator.set_fault(Vendor::StartMessaging, FaultPreset::Down);
    for (file, to, vendor) in [
        (monday, NUMBER, Vendor::TwilioVerify),
        (tuesday, NUMBER, Vendor::EasyOtp),
        (wednesday, MAILBOX, Vendor::Smtp),
    ] {
        let client = OtpClient::from_config(&Config::from_toml(&file, &environment)?)?;
        let approved = sign_in(&client, to, &emulator).await?;
        let messages = emulator.messages(&MessageFilter::default().vendor(vendor));
        println!("{vendor}: {} message, approved: {approved}", messages.len());
        if !approved || messages.len() != 1 {
            return Err(format!("{vendor} did not carry the code").into());
        }
    }
    Ok(())
}

/// The application: the same for every vendor.
async fn sign_in(client: &OtpClient, to: &str, handset: &Emulator) -> Result<bool, Box<dyn Error>> {
    let recipient: Recipient = to.parse()?;
    let sent = client.send(NewVerification::to(recipient)).await?;
    let typed: Code = handset.last_code(to).unwrap_or_default().parse()?;
    Ok(client.verify(sent.id, &typed).await?.is_approved())
}
