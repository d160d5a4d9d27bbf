//! The first program of the README; `tests/readme.rs` checks that both are the same.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

// --8<-- [start:program]
use std::io::{Write as _, stdin, stdout};

use otpmux::{Code, Config, NewVerification, OtpClient, Recipient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = OtpClient::from_config(&Config::from_file("otpmux.toml")?)?;

    let to: Recipient = ask("Number, such as +919876543210: ")?.parse()?;
    let sent = client.send(NewVerification::to(to)).await?;

    let typed: Code = ask("Code: ")?.parse()?;
    if client.verify(sent.id, &typed).await?.is_approved() {
        println!("welcome");
    } else {
        println!("try again");
    }
    Ok(())
}

fn ask(question: &str) -> std::io::Result<String> {
    print!("{question}");
    stdout().flush()?;
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
