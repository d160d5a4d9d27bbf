//! A custom vendor: implement `OtpProvider`, and the rest of otpmux works with it.
//!
//! This one writes messages to the terminal, which is enough for an application in development.
//! Never in production: any reader of the terminal could sign in. For a vendor with an HTTP API,
//! see `otpmux::http` and the adapters in crates/adapters.
//!
//!     cargo run -p otpmux-examples --example custom_provider

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use otpmux::provider::{Capabilities, Context, ProviderId, SendRequest, Sent, async_trait};
use otpmux::{Channel, Code, Error, NewVerification, OtpClient, OtpProvider, Recipient};

#[derive(Debug)]
struct Console {
    id: ProviderId,
    capabilities: Capabilities,
    /// Only for this example: it types the code that the terminal showed.
    last: Mutex<Option<Code>>,
}

#[async_trait]
impl OtpProvider for Console {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, _: &Context, request: &SendRequest) -> Result<Sent, Error> {
        // Refuses what is not claimed: another channel, a code of another length, ...
        self.capabilities.check_send(&self.id, request)?;
        let code = request.code.otpmux_code();
        let code = code.ok_or_else(|| Error::unsupported(&self.id, "its own codes"))?;
        println!("[sms to {}] Your code is {}", request.recipient.masked(), code.expose());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(code.clone());
        Ok(Sent::new())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let console = Arc::new(Console {
        id: ProviderId::new("console")?,
        capabilities: Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10),
        last: Mutex::new(None),
    });
    // To name it as a `kind` in the configuration file instead, describe it as an
    // `otpmux::config::settings::Adapter` and register that: `Registry::register`.
    let client = OtpClient::builder().provider(Arc::clone(&console)).build()?;

    let to: Recipient = "+14155550123".parse()?;
    let sent = client.send(NewVerification::to(to)).await?;
    let shown = console.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let typed = shown.ok_or("nothing was written to the terminal")?;
    let verdict = client.verify(sent.id, &typed).await?;
    println!("verdict: {}", verdict.as_str());
    if !verdict.is_approved() {
        return Err("the right code was not approved".into());
    }
    Ok(())
}
