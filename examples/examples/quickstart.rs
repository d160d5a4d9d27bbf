//! Sends a code and verifies it.
//!
//!     cargo run -p otpmux-examples --example quickstart

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;

use otpmux::config::Environment;
use otpmux::{Code, Config, NewVerification, OtpClient, Recipient};
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

    // The user has typed a number: parsing refuses all but exactly one number.
    let to: Recipient = "+919876543210".parse()?;
    let sent = client.send(NewVerification::to(to)).await?;
    println!("sent to {}, {} guesses", sent.to, sent.guesses_left);

    // Keep `sent.id` in the user's session. Later they type the code that their handset shows:
    let handset = emulator.last_code("+919876543210").unwrap_or_default();
    let typed: Code = handset.parse()?;

    // A wrong code is an answer, like the right one; an error means that the code could not be
    // checked.
    let verdict = client.verify(sent.id, &typed).await?;
    println!("verdict: {}", verdict.as_str());
    if !verdict.is_approved() {
        return Err("the right code was not approved".into());
    }
    Ok(())
}
