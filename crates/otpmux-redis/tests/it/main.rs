//! The store on a private Redis.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod at_rest;
mod clocks;
mod cluster;
mod fake;
mod full;
mod limits;
mod mailboxes;
mod options_cost;
mod outage;
mod processes;
mod round_trips;
mod sizes;
mod strange;
mod tls;
mod ttls;
mod world;
