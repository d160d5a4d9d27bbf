//! The README and the documentation site, compared with the program.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use otpmux::Config;
use otpmux::config::{Environment, Registry};

const README: &str = include_str!("../../README.md");
const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");
const CONTRIBUTING: &str = include_str!("../../CONTRIBUTING.md");

/// The variables of the pages, with made-up values. Any other variable of an example, such as the
/// key of a vendor, is set to a made-up text too.
const VARIABLES: [(&str, &str); 12] = [
    ("OTPMUX_EVENTS_SECRET", WEBHOOK_SECRET),
    ("OTPMUX_EVENTS_SECRET_OLD", WEBHOOK_SECRET),
    ("OTPMUX_API_KEY", "made-up-made-up-made-up"),
    ("OTPMUX_ADMIN_KEY", "made-up-made-up-made-up-too"),
    ("OTPMUX_SERVER_KEY", "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE="),
    ("OTPMUX_OLD_SERVER_KEY", "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE="),
    ("REDIS_URL", "rediss://:made-up@redis.internal"),
    // Keys that have a form.
    ("TELNYX_PUBLIC_KEY", "dSMUTxsgQCo3onNo7jUt3dZ/YHvfJ1a8lBNyUzDqwHI="),
    (
        "SENDGRID_VERIFICATION_KEY",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEura9QXAUry6istUpBgPt8+Esi5/vEExtzBJzGO3q88fzD8Nje5Cv4Yifvmqns9ugq7MVrxRjjxxHhCppALWACA==",
    ),
    (
        "PRELUDE_PUBLIC_KEY",
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArwHHwII6GUF2W6K8lqOiBC8BVISMPlBlXC23Jbkmpjx1AWldZY5fwuuOQwlBGGKsywdZ2lxcj9Oo7WiX6gh5j+zoHONwg/l68KCHt6X+GyEQL5cmPWdSk3XwCMrn/dQl/gHJSdncyBMOrFjCSSPG1HQ/2Zt37YrSYagQR/8kNxJaR0Hs3FOoMDepYfcLN3sbkxh4kbji+Jsvs8aXOnSWhKg/fCLuM3xS5LIc06wlXCp0q0TK/jpU7W0McbDZ7M5bF9lOUQEwqyxqo24JMCoDFC2sZQpSeimJa+LyQubVZLeo0vuXJNDp2akKw3pvMsyZvGZCSLXCEr72m8FcTbCb+QIDAQAB",
    ),
    (
        "VONAGE_PRIVATE_KEY",
        include_str!("../../crates/adapters/vonageverify/src/test_private_key.pem"),
    ),
    ("WEBHOOK_SECRET", "whsec_KuEJomehPk5QOj4EtS/U4HuklvGMyYuht9mi/h5bupA="),
];

/// A file of two vendors, for an example that shows one section only.
const PROVIDERS: &str = r#"
[providers.primary]
kind = "easyotp"
api_key = "env:EASYOTP_API_KEY"

[providers.backup]
kind = "startmessaging"
api_key = "env:STARTMESSAGING_API_KEY"
"#;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every Markdown file in these folders and below them.
fn pages(folders: &[&str]) -> Vec<PathBuf> {
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

/// The configuration files that a page shows.
fn configurations(page: &str) -> impl Iterator<Item = &str> {
    let blocks = page.split("```toml").skip(1).filter_map(|block| block.split("```").next());
    blocks
        .filter_map(|block| block.split_once('\n'))
        .map(|(_, text)| text)
        .filter(|text| text.contains('[') && !text.starts_with("# Cargo.toml"))
}

/// In the form of Standard Webhooks.
const WEBHOOK_SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Every variable that an example refers to.
fn environment(example: &str) -> Environment {
    let mut environment = Environment::new();
    for rest in example.split("env:").skip(1) {
        let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        environment = environment.with(rest.split(end).next().unwrap(), "made-up-made-up-made-up");
    }
    for (name, value) in VARIABLES {
        environment = environment.with(name, value);
    }
    environment
}

#[test]
fn every_configuration_of_a_page_can_be_read() {
    let mut pages = pages(&["docs", "crates/adapters", "crates/otpmux-gateway"]);
    pages.push(root().join("README.md"));
    let mut read = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for example in configurations(&text) {
            // There are no such files here.
            let example = example
                .replace("file:/run/secrets/startmessaging", "env:STARTMESSAGING_API_KEY")
                .replace("file:/etc/otpmux/prelude.pem", "env:PRELUDE_PUBLIC_KEY");
            let whole = if example.contains("[providers.") {
                example
            } else {
                format!("{PROVIDERS}\n{example}")
            };
            let config = Config::from_toml(&whole, &environment(&whole));
            assert!(config.is_ok(), "{}: {:?}\n{whole}", page.display(), config.err());
            read += 1;
        }
    }
    // One of each vendor at least, and the gateway's.
    let least = Registry::with_compiled_in().kinds().count() + 1;
    assert!(read >= least, "only {read} examples were found");
}

/// The part of a text between two marks, as the documentation site includes it.
fn part<'a>(text: &'a str, name: &str) -> &'a str {
    let [start, end] = ["start", "end"].map(|side| format!("<!-- --8<-- [{side}:{name}] -->"));
    text.split_once(&start).unwrap().1.split_once(&end).unwrap().0.trim()
}

#[test]
fn the_vendors_page_has_a_row_for_each_kind_that_the_registry_knows() {
    let registry = Registry::with_compiled_in();
    let kinds: BTreeSet<_> = registry.kinds().collect();
    let folder = root().join("docs/vendors");
    let page = fs::read_to_string(folder.join("index.md")).unwrap();
    let rows: Vec<_> = part(&page, "vendors").lines().skip(2).collect();
    let documented: BTreeSet<_> = rows.iter().map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(documented, kinds, "left: rows of the page, right: registered kinds");
    assert_eq!(rows.len(), kinds.len(), "a vendor has one row");
    for row in rows {
        let page = row.split_once("](").unwrap().1.split_once(')').unwrap().0;
        assert!(folder.join(page).is_file(), "{page} does not exist");
    }
}

#[test]
fn the_decision_table_is_the_same_in_the_readme_and_in_the_architecture() {
    let table = part(README, "decision");
    assert_eq!(table.lines().count(), 2 + 5, "{table}");
    assert!(ARCHITECTURE.contains(table), "ARCHITECTURE has another table than\n{table}");
}

#[test]
fn files_that_the_guides_name_exist() {
    let folders = ["crates/", "docs/", "tools/", "tests/", "benches/", "deploy/", "scripts/"];
    let mut named = 0;
    for (guide, text) in [("ARCHITECTURE.md", ARCHITECTURE), ("CONTRIBUTING.md", CONTRIBUTING)] {
        // Every second part is between backticks.
        let paths = text.split('`').skip(1).step_by(2).filter(|path| {
            folders.iter().any(|folder| path.starts_with(folder))
                && !path.contains(|c: char| "{*".contains(c) || c.is_whitespace())
        });
        for path in paths {
            named += 1;
            assert!(root().join(path).exists(), "{guide} names `{path}`, which does not exist");
        }
    }
    assert!(named > 50, "{named} paths");
}

#[test]
fn the_readme_is_read_in_a_few_minutes() {
    let mut text = String::new();
    let mut in_tag = false;
    for character in README.chars() {
        in_tag = (in_tag || character == '<') && character != '>';
        if !in_tag {
            text.push(character);
        }
    }
    let words = text.split_whitespace().count();
    assert!((400..=900).contains(&words), "{words} words");
}
