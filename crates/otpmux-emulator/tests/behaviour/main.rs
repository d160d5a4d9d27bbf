//! The emulator's behaviour, through real sockets.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failure here fails the test")]

mod admin;
mod airtexts;
mod easyotp;
mod faults;
mod handset;
mod inbox;
mod infobip2fa;
mod lifecycle;
mod msg91;
mod receipts;
mod smtp;
mod startmessaging;
mod support;
mod twilioverify;
mod vonageverify;
