//! The machine's clock and source of randomness: the only module that uses either.

use jiff::Timestamp;

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "this module is where the crate takes randomness")]
#[expect(clippy::expect_used, reason = "invariant: the operating system's random source answers")]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
