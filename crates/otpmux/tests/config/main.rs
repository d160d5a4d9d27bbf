//! The configuration file: what is right, what is wrong, and in which words.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up must fail"
)]

mod builder;
mod hooks;
mod messages;
mod mistakes;
mod never_leaks;
mod overrides;
mod readme;
mod reads;
mod reload;
mod resilience;
mod routes;
mod secrets;
mod store;
mod switch_vendor;

use otpmux::Config;
use otpmux::config::Environment;
use otpmux::config::settings::ConfigError;

const SERVER_KEY: &str = "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE=";

fn environment() -> Environment {
    Environment::new().with("KEY", "made-up").with("SERVER_KEY", SERVER_KEY)
}

fn read(text: &str) -> Result<Config, Vec<String>> {
    read_in(text, &environment())
}

fn read_in(text: &str, environment: &Environment) -> Result<Config, Vec<String>> {
    Config::from_toml(text, environment).map_err(|errors| errors.iter().map(mistake).collect())
}

/// A mistake in words; without its place, where its path says enough.
fn mistake(error: &ConfigError) -> String {
    match error.path() {
        "" => error.to_string(),
        path => format!("{path}: {}", error.message()),
    }
}

/// A file with one right provider, `p`, and something more.
fn with(more: &str) -> String {
    format!("{more}\n[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n")
}
