//! The files of the README can be read as they are printed. Those of the documentation site:
//! `tests/tests/documentation.rs`.

use crate::read_in;

/// The TOML of a README, without what is for Cargo.
fn blocks(readme: &str) -> Vec<String> {
    let blocks = readme.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    blocks
        .filter(|text| !text.starts_with("# Cargo.toml"))
        // No test has such a file, nor every store.
        .map(|text| text.replace("file:/run/secrets/startmessaging", "env:STARTMESSAGING_API_KEY"))
        .map(|text| {
            let url = if cfg!(feature = "redis") { "redis://127.0.0.1:6379" } else { "memory:" };
            text.replace("redis://127.0.0.1:6379", url)
        })
        .collect()
}

fn assert_right(text: &str) {
    let store =
        if cfg!(feature = "redis") { "rediss://:made-up@redis.internal" } else { "memory:" };
    let environment = crate::environment()
        .with("EASYOTP_API_KEY", "made-up")
        .with("STARTMESSAGING_API_KEY", "made-up")
        .with("REDIS_URL", store)
        .with("OTPMUX_SERVER_KEY", crate::SERVER_KEY)
        .with("OTPMUX_OLD_SERVER_KEY", crate::SERVER_KEY);
    read_in(text, &environment).unwrap();
}

#[test]
fn of_this_crate() {
    let blocks = blocks(include_str!("../../README.md"));
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert_right(&block);
    }
}
