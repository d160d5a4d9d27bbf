//! A login page: number, code, signed in. Phones offer the code by themselves
//! (`autocomplete="one-time-code"`) or fill it in (`WebOTP`).
//!
//!     cargo run -p otpmux-examples --example login                           tries itself, and ends
//!     cargo run -p otpmux-examples --example login -- --serve                with a vendor that is played
//!     cargo run -p otpmux-examples --example login -- --serve otpmux.toml    with yours
//!
//! Copy `app.rs`, `page.rs`, `session.rs`, `login.js` and `login.css`. Serve it over HTTPS, and add
//! `; Secure` to the cookie.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

mod app;
mod page;
mod session;
mod visitor;

use std::error::Error;
use std::net::SocketAddr;

use otpmux::config::Environment;
use otpmux::{Config, OtpClient};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let emulator = Emulator::start(EmulatorConfig::default()).await?;
            let (listener, address) = listen(0).await?;
            let app = serve(listener, OtpClient::from_config(&played(&emulator)?)?);
            tokio::select! {
                ended = app => Err(format!("the page ended by itself: {ended:?}").into()),
                visited = visitor::visit(address, &emulator) => visited,
            }
        }
        ["--serve"] => {
            let emulator = Emulator::start(EmulatorConfig::default()).await?;
            let (listener, address) = listen(3000).await?;
            println!("the page: http://localhost:{}", address.port());
            println!("the phones: http://{}/_emulator/messages", emulator.addr());
            Ok(serve(listener, OtpClient::from_config(&played(&emulator)?)?).await?)
        }
        ["--serve", file] => {
            let (listener, address) = listen(3000).await?;
            println!("the page: http://localhost:{}", address.port());
            Ok(serve(listener, OtpClient::from_config(&Config::from_file(file)?)?).await?)
        }
        _ => Err("say nothing, --serve, or --serve FILE".into()),
    }
}

async fn listen(port: u16) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve(listener: TcpListener, client: OtpClient) -> std::io::Result<()> {
    let app = app::router(client).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await
}

/// Returns a configuration with EasyOTP, emulated on this machine.
fn played(emulator: &Emulator) -> Result<Config, otpmux::config::ConfigErrors> {
    let file = format!(
        r#"
        [providers.easyotp]
        kind = "easyotp"
        api_key = "env:EASYOTP_API_KEY"
        base_url = "{}"

        [policy]
        countries = ["IN"]
        default_country = "IN"
        "#,
        emulator.base_url(Vendor::EasyOtp)
    );
    let environment = Environment::new().with("EASYOTP_API_KEY", emulator.easyotp().api_key);
    Config::from_toml(&file, &environment)
}
