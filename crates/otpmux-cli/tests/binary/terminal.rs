//! Output on a terminal.

use std::process::Command;
use std::time::Duration;

use otpmux_emulator::{Fault, FaultKind, Vendor};

use crate::shared::Shared;
use crate::support::{Ended, run};

/// The program at a terminal that `script`, of util-linux, plays; what it shows is all on standard
/// output.
fn at_terminal(shared: &Shared, arguments: &[&str]) -> Command {
    let bare = shared.command(arguments);
    let words = [bare.get_program()].into_iter().chain(bare.get_args());
    let line: Vec<_> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut command = Command::new("script");
    command.args(["-qec", &line.join(" "), "/dev/null"]).env_clear();
    command.env("TERM", "xterm").env("PATH", "/usr/bin:/bin");
    command.envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

fn slow_vendor(shared: &Shared) {
    let late = FaultKind::Latency(Duration::from_millis(1_300));
    shared.vendors.emulator.set_fault(Vendor::StartMessaging, Fault::new(late));
}

#[test]
fn a_slow_vendor_has_a_line_that_goes_away_and_tables_are_coloured() {
    let shared = Shared::sqlite();
    slow_vendor(&shared);
    let Ended { status, stdout, .. } = run(&mut at_terminal(&shared, &["providers"]), "");
    assert_eq!(status, Some(0), "{stdout}");
    let blank = " ".repeat("asking, 1 s".len());
    assert!(stdout.contains("\rasking, 1 s\r"), "{stdout:?}");
    assert!(stdout.contains(&format!("\r{blank}\r")), "{stdout:?}");
    assert!(stdout.contains("\u{1b}[32mclosed\u{1b}[0m"), "{stdout:?}");
}

#[test]
fn neither_where_colours_are_refused_or_a_program_reads() {
    let shared = Shared::sqlite();
    let mut plain = at_terminal(&shared, &["providers", "--no-balance"]);
    let ended = run(plain.env("NO_COLOR", "1"), "");
    assert!(
        ended.stdout.contains("closed") && !ended.stdout.contains('\u{1b}'),
        "{}",
        ended.stdout
    );
    slow_vendor(&shared);
    let ended = run(&mut at_terminal(&shared, &["providers", "--json"]), "");
    assert!(ended.stdout.starts_with("{\"providers\""), "{}", ended.stdout);
}
