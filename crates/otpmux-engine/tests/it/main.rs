//! The engine over its public client, with scripted providers and a clock that tests move.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

mod crash;
mod crashing;
mod explain;
mod failover;
mod guesses;
mod health;
mod hedging;
mod layers_breaker;
mod layers_limits;
mod layers_observed;
mod layers_probes;
mod layers_updates;
mod layers_world;
mod limits;
mod lines;
mod mailboxes;
mod model;
mod once;
mod overview;
mod races;
mod receipts;
mod reconcile;
mod reload;
mod reports;
mod resend;
mod rest;
mod retries;
mod scope;
mod send;
mod sick_neighbour;
mod superseding;
mod telephones;
mod vendor_codes;
mod verify;
mod world;
