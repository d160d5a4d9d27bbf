//! The program as its users meet it: started, spoken to, ended.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up must fail"
)]

mod arguments;
mod check_config;
mod deliver;
mod demo;
mod dev;
mod emulate;
mod environment;
mod explain;
mod find;
mod gateway;
mod gateway_fails;
mod init;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod open_files;
mod open_world;
#[cfg(all(unix, feature = "otel"))]
mod otel;
mod providers;
mod send;
mod send_fails;
mod shared;
mod support;
#[cfg(target_os = "linux")]
mod terminal;
mod vendor;
mod verbs;
