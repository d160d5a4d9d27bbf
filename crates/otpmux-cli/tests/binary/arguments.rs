//! Rules of every command: help, exit statuses, colours, completions, arguments that do not
//! fit.

use otpmux_testkit::leaks::assert_clean;

use crate::shared::{Shared, TO};
use crate::support::{Ended, program, run};

fn with(arguments: &[&str]) -> Ended {
    run(program().args(arguments).current_dir("/"), "")
}

#[test]
fn help_lists_every_command_and_every_exit_status() {
    let ended = with(&["--help"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    for word in [
        "send",
        "verify",
        "resend",
        "cancel",
        "status",
        "deliver",
        "delivery",
        "providers",
        "check-config",
        "emulate",
    ] {
        assert!(ended.stdout.contains(&format!("\n  {word} ")), "{word}");
    }
    for status in 0..=5 {
        assert!(ended.stdout.contains(&format!("\n  {status}  ")), "{status}");
    }
    let ended = with(&[]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("Usage: otpmux"));
}

#[test]
fn no_argument_that_may_be_a_code_or_a_recipient_is_repeated() {
    for arguments in [
        &[TO][..],
        &["verify", "0123456789abcdef0123456789abcdee", "987654"],
        &["send", "--to", TO, TO],
        &["send", "--to", TO, "somebody@example.com"],
        &["send", "--code-length", "987654", "--to", "x"],
        &["send", "--ttl", "987654 s", "--to", "x"],
        &["send", "--color", "987654", "--to", "x"],
        &["send", "--unknown=987654", "--to", TO],
        &["completions", "987654"],
    ] {
        for json in [false, true] {
            let mut command = program();
            command.args(arguments);
            if json {
                command.arg("--json");
            }
            let ended = run(&mut command, "");
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
            assert_clean(&ended.everything(), &[TO, "987654", "somebody@example.com"]);
            if json {
                let error = ended.error();
                assert_eq!(error["kind"], "invalid_request");
                assert_eq!(
                    (&error["certainty"], &error["blame"]),
                    (&"not_sent".into(), &"caller".into())
                );
                assert!(error["detail"].as_str().unwrap().len() > 10, "{error}");
            } else {
                assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
            }
        }
    }
    let ended = with(&["sned"]);
    assert!(ended.stderr.contains("'sned'") && ended.stderr.contains("'send'"), "a slip is shown");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let shared = Shared::sqlite();
    let id = shared.send();
    let escape = '\u{1b}';
    for arguments in [&["status", &id][..], &["providers"], &["verify", &id, "--code", "12"]] {
        let ended = shared.run(arguments);
        assert!(!ended.everything().contains(escape), "a pipe is no terminal: {arguments:?}");
        let always = [arguments, &["--color", "always"]].concat();
        let ended = shared.run(&always);
        assert!(ended.everything().contains(escape), "{arguments:?}");
        let ended = run(shared.command(arguments).env("NO_COLOR", "1"), "");
        assert!(!ended.everything().contains(escape), "{arguments:?}");
        let json = [arguments, &["--color", "always", "--json"]].concat();
        assert!(!shared.run(&json).everything().contains(escape), "{arguments:?}");
    }
}

#[test]
fn every_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = with(&["completions", shell]);
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["otpmux", "check-config", "idempotency-key", "providers"] {
            assert!(ended.stdout.contains(word), "{shell}: {word}");
        }
    }
    let ended = with(&["completions", "fish", "--json"]);
    assert_eq!(ended.json()[0]["shell"], "fish");
}
