use otpmux_core::Recipient;

/// A hundred thousand numbers in as many blocks, so that no limit is ever reached.
///
/// # Panics
///
/// Never: they are all numbers.
pub fn recipients() -> Vec<Recipient> {
    let number = |n: u32| format!("+1{}", 2_010_000_000 + u64::from(n) * 79_999);
    (0..100_000).map(|n| number(n).parse().expect("a number")).collect()
}
