//! The gateway over a bound port, with the real engine, real stores and the emulated vendors.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up must stop"
)]

mod audit;
mod create;
mod deliveries;
mod documents;
mod doors;
mod drain;
mod escalate;
mod guesses;
mod hostile;
mod idempotency;
mod keys;
mod mistakes_of_others;
mod proxies;
mod quiet;
mod readiness;
mod receipts;
mod reload;
mod selected;
mod server_keys;
mod texts;
mod tls;
mod two_gateways;
mod verify;
mod world;
