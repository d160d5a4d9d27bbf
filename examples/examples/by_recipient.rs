//! Verifies a code by its recipient and purpose: nothing is kept between the send and the verify.
//!
//!     cargo run -p otpmux-examples --example by_recipient

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Purpose, Recipient, Selector, Verify};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Plays EasyOTP on this machine. An application has no emulator ...
    let emulator = Emulator::start(EmulatorConfig::default()).await?;

    // ... and no base_url: without it, the provider calls the vendor itself. Or read a file, with
    // the process's environment: Config::from_file("otpmux.toml")?
    let file = format!(
        r#"
        [providers.easyotp]
        kind = "easyotp"
        api_key = "env:EASYOTP_API_KEY"
        base_url = "{}"
        "#,
        emulator.base_url(Vendor::EasyOtp)
    );
    let environment = Environment::new().with("EASYOTP_API_KEY", emulator.easyotp().api_key);
    let config = Config::from_toml(&file, &environment)?;

    // One client for the whole application. It is cheap to clone.
    let client = OtpClient::from_config(&config)?;

    let purpose = Purpose::new("login")?;
    let to: Recipient = "+919876543210".parse()?;
    client.send(NewVerification::to(to).for_purpose(purpose.clone())).await?;

    // Later, perhaps in another process. The recipient comes from the account, not from the user:
    // otherwise users would prove a number of their choice.
    let account = "+91 98765 43210";
    let handset = emulator.last_code("+919876543210").unwrap_or_default();
    let typed: Code = handset.parse()?;
    let which = Selector::recipient(account.parse::<Recipient>()?, purpose);
    // One key for all repeats of this guess, if an answer is lost.
    let verify = Verify::new().with_idempotency_key("request-7f3a");
    let verdict = client.verify_with(which, &typed, verify).await?;
    println!("verdict: {}", verdict.as_str());

    // A user gets one message for every other verdict: they must not learn whom a code was sent to.
    if !verdict.is_approved() {
        return Err("the right code was not approved".into());
    }
    Ok(())
}
