//! The verbs at a gateway that runs as a separate process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use otpmux_emulator::{Fault, Vendor};
use otpmux_testkit::leaks::assert_clean;

use crate::shared::{Shared, TO};
use crate::support::{Ended, program, run};

const KEY: &str = "made-up api key of 32 bytes or more";

struct Serving {
    shared: Shared,
    child: Child,
    url: String,
}

impl Serving {
    fn start() -> Self {
        Self::with("")
    }

    /// With this in the table of the API key.
    fn with(right: &str) -> Self {
        let shared = Shared::with_sqlite(&format!(
            "[[server.api_keys]]\nname = \"test\"\nkey = \"env:API_KEY\"\n{right}\n\
             [policy]\nresend_delay = \"0s\"\nresend_delay_max = \"0s\"\n\
             default_country = \"IN\"",
        ));
        let mut serve = shared.command(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        serve.env("API_KEY", KEY).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = serve.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect(&line);
        let url = ready["listening"].as_str().unwrap().to_owned();
        Self { shared, child, url }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = program();
        command.args(arguments).args(["--gateway", &self.url]).env("OTPMUX_API_KEY", KEY);
        run(&mut command, "")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_providers_of_a_gateway_with_their_rates() {
    let serving = Serving::with("admin = true");
    let ended = serving.run(&["send", "--to", TO, "--purpose", "login", "--id-only"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let ended = serving.run(&["providers"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{}", ended.everything());
    for line in [
        "PROVIDER  CIRCUIT  ACCEPTED  DELIVERED  APPROVED",
        "backup    closed   0         not known  0",
        "primary   closed   1         not known  0 (0 %)",
    ] {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}\n{}", ended.stdout);
    }
    let json = serving.run(&["providers", "--json"]).json()[0].clone();
    assert_eq!(json["providers"][1]["last_hour"]["accepted"], 1);
    let refused = Serving::start().run(&["providers"]);
    assert_ne!(refused.status, Some(0));
    assert!(refused.stderr.contains("may not administer"), "{}", refused.stderr);
}

#[test]
fn sent_and_verified_by_a_gateway_and_looked_at_in_its_store() {
    let serving = Serving::start();
    serving.shared.vendors.emulator.set_fault(Vendor::EasyOtp, Fault::status(503));
    // In the national form that this gateway takes.
    let to = "098765 43210";
    let ended = serving.run(&["send", "--to", to, "--purpose", "login", "--id-only"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{}", ended.everything());
    let id = ended.stdout.trim().to_owned();
    let (right, wrong) = serving.shared.codes();

    let ended = serving.run(&["verify", &id, "--code", &wrong, "--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.everything());
    assert_eq!(ended.json()[0]["guesses_left"], 4);
    let by_gateway = serving.run(&["status", &id, "--json"]).json()[0].clone();
    let by_store = serving.shared.run_with_keys(&["status", &id, "--json"], KEY);
    assert_eq!(by_gateway, by_store.json()[0], "the same names and the same values");
    let text = serving.run(&["status", &id]);
    assert_eq!(text.stdout, serving.shared.run_with_keys(&["status", &id], KEY).stdout);
    assert!(text.stdout.contains("after a failure"), "{}", text.stdout);

    let by_recipient =
        serving.run(&["verify", "--to", TO, "--purpose", "login", "--code", &wrong, "--json"]);
    assert_eq!(by_recipient.json()[0]["guesses_left"], 3, "{}", by_recipient.everything());
    let unknown = serving.run(&["verify", "--external-id", "order-1", "--code", &right]);
    assert_eq!(unknown.status, Some(5), "{}", unknown.everything());

    assert_eq!(serving.run(&["resend", &id]).status, Some(0));
    assert_eq!(serving.run(&["verify", &id, "--code", &right]).stdout, "approved\n");
    assert_eq!(serving.run(&["verify", &id, "--code", &right]).status, Some(5));
    for ended in [ended, text, by_store] {
        assert_clean(&ended.everything(), &[TO, &right, &wrong, KEY]);
    }
}

#[test]
fn refusals_of_the_gateway() {
    let serving = Serving::start();
    let ended = run(
        program()
            .args(["status", "0123456789abcdef0123456789abcdee", "--json"])
            .args(["--gateway", &serving.url])
            .env("OTPMUX_API_KEY", "another"),
        "",
    );
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{}", ended.everything());
    assert_eq!(ended.error()["kind"], "unauthenticated");
    let ended = serving.run(&["status", "0123456789abcdef0123456789abcdee"]);
    assert_eq!(ended.status, Some(5), "{}", ended.everything());
    let ended = serving.run(&["cancel", "0123456789abcdef0123456789abcdee"]);
    assert_eq!(ended.status, Some(5), "{}", ended.everything());

    let send = |key: &str| {
        serving.run(&["send", "--to", TO, "--no-verify", "--json", "--idempotency-key", key])
    };
    let (first, again) = (send("order-7"), send("order-7"));
    assert_eq!(first.status, Some(0), "{}", first.everything());
    assert_eq!(first.json()[0]["id"], again.json()[0]["id"]);
    send("order-8");
    let ended = send("order-9");
    assert_eq!(ended.status, Some(3), "{}", ended.everything());
    assert_eq!(ended.error()["kind"], "rate_limited");
    assert_eq!(ended.error()["limit"], "recipient");
    assert_clean(&ended.everything(), &[TO, KEY]);
    let id = first.json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(serving.run(&["cancel", &id]).status, Some(0));
}
