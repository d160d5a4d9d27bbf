//! The stories that the project is for, over real sockets.

mod failover;
mod stories;
mod vendor_codes;

use otpmux_tests::vendors::{Emulation, setup};

/// The vendor that the stories ask first; it carries codes that otpmux made.
fn first() -> Emulation {
    setup("easyotp")
}

/// The vendor that they fail over to; it carries them too.
fn second() -> Emulation {
    setup("startmessaging-transport")
}

fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &code[..code.len() - 1])
}
