//! Another vendor with another configuration: `sign_in` depends on none of them. From Twilio Verify to MSG91 with
//! WhatsApp as its fallback, and on to a mail server.
//!
//!     cargo run -p otpmux-examples --example switch_vendor

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Recipient, Resend};
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
        .with("MSG91_AUTH_KEY", emulator.msg91().auth_key)
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
    // Tuesday: otpmux makes the codes, MSG91 sends them by SMS, and WhatsApp is the second way.
    let tuesday = format!(
        r#"
        [providers.codes]
        kind = "msg91"
        auth_key = "env:MSG91_AUTH_KEY"
        template_id = "{}"
        base_url = "{}"

        [providers.chat]
        kind = "twilio"
        account_sid = "{}"
        auth_token = "env:TWILIO_AUTH_TOKEN"
        sender = "+14155550100"
        whatsapp_sender = "+14155550100"
        template = "HX00000000000000000000000000000000"
        base_url = "{}"

        [policy]
        resend_by = "next_channel"
        resend_delay = "0s" # a user would wait

        [messages]
        app = "Acme"
        "#,
        emulator.msg91().templates.first().ok_or("MSG91 has no template")?,
        emulator.base_url(Vendor::Msg91),
        emulator.twilio().account_sid,
        emulator.base_url(Vendor::Twilio),
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

    // MSG91 accepts the message, and it never arrives.
    emulator.set_fault(Vendor::Msg91, FaultPreset::NeverDelivers);
    for (file, to, vendor) in [
        (monday, NUMBER, Vendor::TwilioVerify),
        (tuesday, NUMBER, Vendor::Twilio),
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

/// The application: the same for every vendor. A user without a message asks for another one.
async fn sign_in(client: &OtpClient, to: &str, handset: &Emulator) -> Result<bool, Box<dyn Error>> {
    handset.clear_messages();
    let recipient: Recipient = to.parse()?;
    let sent = client.send(NewVerification::to(recipient)).await?;
    if handset.last_code(to).is_none() {
        client.resend(sent.id, Resend::default()).await?;
    }
    let typed: Code = handset.last_code(to).ok_or("no message came")?.parse()?;
    Ok(client.verify(sent.id, &typed).await?.is_approved())
}
