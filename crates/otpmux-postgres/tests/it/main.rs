//! The store on a private PostgreSQL server.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod at_rest;
mod clocks;
mod crash;
mod cut;
mod failover;
mod migrations;
mod outage;
mod pooler;
mod processes;
mod proxy;
mod refusals;
mod round_trips;
mod sweep;
mod tls;
mod users;
mod world;
