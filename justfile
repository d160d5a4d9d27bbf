# Everything that must hold before a change lands.
check:
    ./scripts/check

# The story of the README, over real sockets.
demo:
    cargo run -- demo

# The quick loop while working on one crate: `just test otpmux-engine`.
test crate:
    cargo clippy -p {{crate}} --all-targets -- -D warnings
    cargo test -p {{crate}}

format:
    cargo fmt --all

# The figures of docs/benchmarks.md.
bench:
    cargo bench -p otpmux-benches

# The documentation site, in target/site.
docs:
    ./scripts/build-docs

# Known vulnerabilities; fetches the advisory database.
advisories:
    cargo deny check advisories

# Writes docs/otpmux.schema.json and docs/configuration/reference.md again.
schema:
    cargo run --quiet -- schema > docs/otpmux.schema.json
    cargo run --quiet -- schema --markdown > docs/configuration/reference.md

# The table of telephone numbers anew, after an update of rlibphonenumber in tools/number-table.
numbers:
    cargo run --manifest-path tools/number-table/Cargo.toml

# The README's pictures of the handset, anew.
pictures:
    OTPMUX_PICTURES="$PWD/docs/images" cargo test -p otpmux-cli --test handset a_failover
