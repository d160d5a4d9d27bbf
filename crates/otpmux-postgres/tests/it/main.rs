//! The store on a private PostgreSQL server.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod at_rest;
mod clocks;
mod crash;
mod cut;
mod failover;
mod full;
mod migrations;
mod outage;
mod pooler;
mod processes;
mod refusals;
mod round_trips;
mod storm;
mod sweep;
mod tls;
mod users;
mod world;
