//! `otpmux find`: one command that says what became of a user's code.

use std::fs;
use std::path::PathBuf;

use otpmux_emulator::{Fault, Vendor};

use crate::shared::{Folder, SERVER_KEY, Shared, TO};
use crate::support::{File, program, run};

struct Logged {
    shared: Shared,
    log: PathBuf,
    /// Removed in the end, and the log with it.
    _folder: Folder,
}

impl Logged {
    fn new() -> Self {
        let folder = Folder::new();
        let log = folder.path().join("audit.log");
        let shared = Shared::with_sqlite(&format!("[audit]\nfile = \"{}\"", log.display()));
        Self { shared, log, _folder: folder }
    }

    fn find(&self, arguments: &[&str]) -> crate::support::Ended {
        self.shared.run(&[&["find"], arguments].concat())
    }
}

#[test]
fn one_command_says_that_the_code_went_out_and_was_used() {
    let logged = Logged::new();
    let Logged { shared, log, .. } = &logged;
    shared.vendors.emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
    let id = shared.send();
    let (right, wrong) = shared.codes();
    shared.run(&["verify", &id, "--code", &wrong]);
    let before = logged.find(&["--to", TO]);
    assert_eq!((before.status, &*before.stderr), (Some(0), ""), "{}", before.everything());
    assert!(before.stdout.contains("went out at "), "{}", before.stdout);
    assert!(before.stdout.contains(" by sms with backup, and its vendor accepted it."));
    assert!(before.stdout.contains("accepted by the vendor, after primary (unauthenticated)"));
    assert!(before.stdout.contains("wrong code") && !before.stdout.contains("Its code was used"));
    assert!(before.stdout.contains("In the store now") && before.stdout.contains(&id));
    shared.run(&["verify", &id, "--code", &right]);
    // A national form of the same number.
    let after = logged.find(&["--to", "098765 43210", "--country", "IN", "--json"]);
    let found = &after.json()[0];
    let events: Vec<_> =
        found["events"].as_array().unwrap().iter().map(|it| &it["event"]).collect();
    assert_eq!(events, ["send", "verify", "verify"], "{found}");
    assert!(found["answer"].as_str().unwrap().ends_with("Its code was used."), "{found}");
    assert_eq!(found["now"]["status"], "approved");
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 3, "looking is no event");
    for secret in ["9876543210", &right, &wrong, SERVER_KEY] {
        let shown = before.everything() + &after.everything() + &fs::read_to_string(log).unwrap();
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[test]
fn a_refusal_and_a_failure_are_told_as_such() {
    let logged = Logged::new();
    let shared = &logged.shared;
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        shared.vendors.emulator.set_fault(vendor, Fault::status(401));
    }
    shared.run(&["send", "--to", TO, "--id-only"]);
    let found = logged.find(&["--to", TO]);
    assert!(found.stdout.contains("nothing went out at "), "{}", found.everything());
    assert_eq!(found.status, Some(0));
    let other = logged.find(&["--to", "+919876543299"]);
    assert_eq!(other.status, Some(1));
    assert!(other.stdout.contains("No event of +9•••"), "{}", other.everything());
}

#[test]
fn rotated_files_and_standard_input_are_read_and_fragments_reported() {
    let logged = Logged::new();
    let id = logged.shared.send();
    let rotated = logged.log.with_extension("log.1");
    fs::rename(&logged.log, &rotated).unwrap();
    logged.shared.run(&["cancel", &id]);
    let mut text = fs::read_to_string(&logged.log).unwrap();
    // The line of the cancel names an id only.
    let alone = logged.find(&["--to", TO]);
    assert_eq!(alone.status, Some(1), "{}", alone.everything());
    text.push_str("{\"at\":\"2026-");
    fs::write(&logged.log, &text).unwrap();
    let [old, new] = [&rotated, &logged.log].map(|path| path.to_str().unwrap());
    let both = logged.find(&["--to", TO, "--log", new, "--log", old]);
    assert!(both.stderr.contains("1 lines of the log cannot be read"), "{}", both.everything());
    let order = both.stdout.find("accepted by the vendor") < both.stdout.find("cancelled");
    assert!(order && both.status == Some(0), "{}", both.everything());
    let mut piped = logged.shared.command(&["find", "--to", TO, "--log", "-", "--json"]);
    let piped = run(&mut piped, &(fs::read_to_string(&rotated).unwrap() + "\n" + &text));
    assert_eq!(piped.json()[0]["events"].as_array().unwrap().len(), 2, "{}", piped.everything());
}

#[test]
fn another_server_key_finds_nothing_and_an_old_one_still_does() {
    let logged = Logged::new();
    logged.shared.send();
    let text = fs::read_to_string(logged.shared.file.path()).unwrap();
    let other = "b3RoZXIgc2VydmVyIGtleSBvZiAzMiBieXRlcyEhISE=";
    let with_key = |text: &str| {
        let file = File::new(text);
        let mut command = program();
        command.args(["find", "--to", TO, "--config"]).arg(file.path());
        let emulator = &logged.shared.vendors.emulator;
        command.env("KEY", emulator.easyotp().api_key).env("OTHER", other);
        command.env("SM_KEY", emulator.startmessaging().api_key).env("SERVER_KEY", SERVER_KEY);
        run(&mut command, "")
    };
    let wrong = with_key(&text.replace("env:SERVER_KEY", "env:OTHER"));
    assert_eq!(wrong.status, Some(1), "{}", wrong.everything());
    assert!(wrong.stdout.contains("other server keys"));
    let newer = "[[server_keys]]\nid = \"2\"\nkey = \"env:OTHER\"\n[[server_keys]]";
    let rotated = with_key(&text.replace("[[server_keys]]", newer));
    assert_eq!(rotated.status, Some(0), "{}", rotated.everything());
}

#[test]
fn without_a_log_the_store_is_asked_for_what_is_live_and_nothing_is_counted() {
    for shared in Shared::each() {
        let none = shared.run(&["find", "--to", TO]);
        assert_eq!(none.status, Some(1), "{}", none.everything());
        let id = shared.send();
        for _ in 0..10 {
            let found = shared.run(&["find", "--to", TO, "--json"]);
            assert_eq!(found.status, Some(0), "{}", found.everything());
            let now = &found.json()[0]["now"];
            assert_eq!((&now["id"], &now["guesses_left"]), (&id.as_str().into(), &5.into()));
        }
        let shown = shared.run(&["find", "--to", TO]);
        assert!(shown.stdout.contains("a verification is live"), "{}", shown.everything());
        let other = shared.run(&["find", "--to", TO, "--purpose", "login"]);
        assert_eq!(other.status, Some(1), "{}", other.everything());
        let (right, _) = shared.codes();
        let verdict = shared.run(&["verify", &id, "--code", &right]);
        assert_eq!(verdict.status, Some(0), "{}", verdict.everything());
        assert_eq!(shared.run(&["find", "--to", TO]).status, Some(1));
    }
}

#[test]
fn what_is_missing_is_said_before_anything_is_read() {
    let logged = Logged::new();
    let not_a_number = logged.find(&["--to", "98765secret"]);
    assert_eq!(not_a_number.status, Some(2));
    assert!(!not_a_number.everything().contains("98765"), "{}", not_a_number.everything());
    let missing = logged.find(&["--to", TO, "--log", "/no/such/audit.log"]);
    assert_eq!(missing.status, Some(1));
    assert!(missing.stderr.contains("/no/such/audit.log: No such file"), "{}", missing.stderr);
    let no_log = Shared::sqlite().run(&["find", "--to", TO]);
    assert_eq!(no_log.status, Some(1));
    assert!(no_log.stderr.contains("[audit]"), "{}", no_log.stderr);
    let file = logged.shared.vendors.file("[audit]\nfile = \"a.log\"");
    let mut command = program();
    command.args(["find", "--to", TO, "--config"]).arg(file.path()).env("KEY", "made-up-key");
    let no_keys = run(&mut command, "");
    assert_eq!(no_keys.status, Some(2));
    assert!(no_keys.stderr.contains("[[server_keys]]"), "{}", no_keys.stderr);
}
