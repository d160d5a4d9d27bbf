//! `otpmux send` where it succeeds, or the user mistypes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use otpmux_emulator::Vendor;
use otpmux_emulator::vendors::startmessaging::Dialect;
use otpmux_testkit::leaks::assert_clean;
use serde_json::Value;

use crate::support::{Ended, File, Vendors, finish, run};

const TO: &str = "+919876543210";

/// The program between the send and the code.
struct Waiting {
    child: std::process::Child,
    input: ChildStdin,
    answers: BufReader<ChildStdout>,
    sent: Value,
}

impl Waiting {
    fn start(vendors: &Vendors) -> Self {
        let file = vendors.file("");
        Self::of(&mut vendors.send(&file, &["--to", TO, "--json"]))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let sent = serde_json::from_str(&line).expect(&line);
        Self { child, input, answers, sent }
    }

    fn type_in(&mut self, text: &str) {
        writeln!(self.input, "{text}").unwrap();
    }

    fn verdict(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect(&line)
    }

    fn end(self) -> Ended {
        drop(self.input);
        Ended::of(self.child.wait_with_output().unwrap())
    }
}

#[test]
fn json_has_every_field() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    let ended = run(&mut vendors.send(&file, &["--to", TO, "--json", "--no-wait"]), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let sent = &ended.json()[0];
    assert!(!sent["id"].as_str().unwrap().is_empty());
    assert_eq!(sent["status"], "pending");
    assert_eq!(sent["channel"], "sms");
    assert_eq!(sent["to"], "+9•••••••••10");
    assert_eq!(sent["confirmed"], true);
    assert_eq!(sent["code_length"], 6);
    assert_eq!(sent["guesses_left"], 5);
    assert_eq!(sent["send_attempts"][0]["provider"], "easyotp");
    assert_eq!(sent["send_attempts"][0]["state"], "accepted");
    for time in ["expires_at", "resend_after"] {
        let text = sent[time].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{text}");
    }
    let code = vendors.emulator.last_code(TO).unwrap();
    assert_clean(&ended.everything(), &[TO, &code, &vendors.emulator.easyotp().api_key]);
}

#[test]
fn asks_until_the_code_is_right() {
    let vendors = Vendors::start();
    let mut waiting = Waiting::start(&vendors);
    assert_eq!(waiting.sent["confirmed"], true);
    let code = vendors.emulator.last_code(TO).unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    waiting.type_in("not a code");
    waiting.type_in(wrong);
    let verdict = waiting.verdict();
    assert_eq!(verdict["verdict"], "wrong_code");
    assert_eq!(verdict["guesses_left"], 4, "what is no code does not count");
    waiting.type_in(&format!(" {code} "));
    assert_eq!(waiting.verdict()["verdict"], "approved");
    let ended = waiting.end();
    assert_eq!(ended.status, Some(0));
    assert_clean(&ended.everything(), &[TO, &code]);
}

#[test]
fn gives_up_with_the_last_attempt() {
    let vendors = Vendors::start();
    let mut waiting = Waiting::start(&vendors);
    let code = vendors.emulator.last_code(TO).unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for left in (0..5).rev() {
        waiting.type_in(wrong);
        assert_eq!(waiting.verdict()["guesses_left"], left);
    }
    assert_eq!(waiting.end().status, Some(5), "no code is good any more");
}

#[test]
fn leading_zeros_count() {
    let vendors = Vendors::start();
    vendors.emulator.update_startmessaging(|account| {
        account.dialect = Dialect::Tutorial;
        account.fixed_code = Some("004217".to_owned());
    });
    let url = vendors.emulator.base_url(Vendor::StartMessaging);
    let file = File::new(&format!(
        "[providers.sm]\nkind = \"startmessaging\"\nmode = \"managed\"\napi_key = \"env:KEY\"\n\
         base_url = \"{url}\"\n"
    ));
    let mut command = vendors.send(&file, &["--to", TO, "--json"]);
    command.env("KEY", vendors.emulator.startmessaging().api_key);
    let mut waiting = Waiting::of(&mut command);
    waiting.type_in("4217");
    assert_eq!(waiting.verdict()["verdict"], "wrong_code");
    waiting.type_in("004217");
    assert_eq!(waiting.verdict()["verdict"], "approved");
    let ended = waiting.end();
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
}

#[test]
fn no_code_is_no_approval() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    let ended = run(&mut vendors.send(&file, &["--to", TO]), "");
    assert_eq!(ended.status, Some(1));
    assert!(ended.stdout.starts_with("Sent by sms to +9•••••••••10.\n"), "{}", ended.stdout);
    assert!(ended.stderr.contains("no further code was typed"), "{}", ended.stderr);
}

#[test]
fn text_and_logs_hold_no_secret() {
    let vendors = Vendors::start();
    let file = vendors.file("message = \"Acme: {code}\"");
    let mut command = vendors.send(&file, &["--to", TO, "--channel", "voice", "-vv"]);
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = finish(child, "123\n");
    assert!(ended.stdout.contains("Sent by voice"), "{}", ended.everything());
    let code = vendors.emulator.last_code(TO).unwrap();
    assert_clean(&ended.everything(), &[TO, &code, &vendors.emulator.easyotp().api_key]);
}

/// As people write a number at home.
#[test]
fn a_number_may_be_in_national_form() {
    let vendors = Vendors::start();
    let [plain, indian] = ["", "[policy]\ndefault_country = \"IN\"\n"].map(|it| vendors.file(it));
    for (file, to, more) in [
        (&plain, "+91 98765 43210", &[][..]),
        (&plain, "098765 43211", &["--country", "IN"]),
        (&indian, "98765-43212", &[]),
    ] {
        let arguments = [&["--to", to, "--no-verify", "--json"], more].concat();
        let ended = run(&mut vendors.send(file, &arguments), "");
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        let last = &to[to.len() - 2..];
        assert!(ended.json()[0]["to"].as_str().unwrap().ends_with(last));
        assert_eq!(vendors.emulator.last_code(&format!("+9198765432{last}")).unwrap().len(), 6);
    }
    for (to, more, says) in [
        ("098765 43213", &[][..], "calling code"),
        ("98765 4321", &["--country", "IN"], "understood as a number of IN"),
        ("98765 43213", &["--country", "India"], "two capital letters"),
    ] {
        let ended = run(&mut vendors.send(&plain, &[&["--to", to], more].concat()), "");
        assert_eq!(ended.status, Some(2), "{}", ended.everything());
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
        assert_clean(&ended.everything(), &["4321"]);
    }
}
