//! `otpmux dev`: everything at once, from nothing.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::shared::Folder;
use crate::support::{Ended, program, run};

const TO: &str = "+919876543210";

struct Dev {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
    ready: Value,
    /// The temporary directory of the program.
    temporary: Folder,
}

/// `otpmux dev` on free ports, with this temporary directory.
fn dev(temporary: &Folder) -> Command {
    let mut command = program();
    command.args(["dev", "--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"]);
    command.env("TMPDIR", temporary.path()).stdout(Stdio::piped());
    command
}

impl Dev {
    fn start(arguments: &[&str]) -> Self {
        let temporary = Folder::new();
        let mut command = dev(&temporary);
        command.arg("--json").args(arguments);
        Self::of(command, temporary)
    }

    /// Starts it by another program, such as `nohup`.
    #[cfg(target_os = "linux")]
    fn start_by(words: &[&str]) -> Self {
        let temporary = Folder::new();
        let program = dev(&temporary);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(program.get_program()).args(program.get_args());
        command.arg("--json").env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::of(command, temporary)
    }

    fn of(mut command: Command, temporary: Folder) -> Self {
        let mut child = command.spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = told.next().unwrap().unwrap();
        let ready = serde_json::from_str(&line).expect(&line);
        Self { child, told, ready, temporary }
    }

    fn told(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = program();
        command.args(arguments).args(["--gateway", self.told("gateway")]);
        run(command.env("OTPMUX_API_KEY", self.told("api_key")), "")
    }

    fn stop(self) -> Option<i32> {
        self.stop_by("TERM")
    }

    fn stop_by(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap().code();
        assert!(self.temporary.is_empty(), "left behind after {signal}");
        status
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_machine_without_a_place_for_the_store_says_so() {
    let ended = run(program().arg("dev").env("TMPDIR", "/no/such"), "");
    assert_eq!(ended.status, Some(1), "{}", ended.everything());
    assert!(ended.stderr.contains("the directory /no/such/otpmux-dev-"), "{}", ended.stderr);
    assert!(ended.stderr.contains("TMPDIR"), "{}", ended.stderr);
}

#[test]
fn a_first_run_sends_at_once() {
    let dev = Dev::start(&[]);
    let ended = dev.run(&["send", "--to", TO, "--id-only"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let shown = dev.run(&["status", ended.stdout.trim(), "--json"]).json().remove(0);
    assert_eq!(shown["send_attempts"][0]["provider"], "easyotp");
    assert_eq!(dev.stop(), Some(0));
}

/// SIGHUP comes from a terminal that is closed.
#[cfg(target_os = "linux")]
#[test]
fn each_signal_that_ends_it_leaves_nothing() {
    for signal in ["INT", "TERM", "HUP"] {
        // The tests may run under `nohup`.
        let dev = Dev::start_by(&["env", "--default-signal=HUP"]);
        let store = Path::new(dev.told("store"));
        assert!(store.exists() && store.starts_with(dev.temporary.path()), "{}", store.display());
        assert_eq!(dev.stop_by(signal), Some(0), "{signal}");
    }
}

/// As a terminal does that is closed.
#[cfg(target_os = "linux")]
#[test]
fn under_nohup_a_hangup_does_not_end_it() {
    let dev = Dev::start_by(&["nohup"]);
    let pid = dev.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "HUP", &pid]).status().unwrap().success());
    let sent = dev.run(&["send", "--to", TO, "--id-only"]);
    assert_eq!(sent.status, Some(0), "{}", sent.everything());
    for _ in 0..3 {
        let shown = dev.run(&["status", sent.stdout.trim()]);
        assert_eq!(shown.status, Some(0), "{}", shown.everything());
    }
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn codes_arrive_in_its_terminal_and_can_be_verified() {
    let mut dev = Dev::start(&["--api-key", "a key that stays the same"]);
    assert_eq!(dev.told("api_key"), "a key that stays the same");
    for (channel, vendor) in [("sms", "easyotp"), ("whatsapp", "airtexts")] {
        let sent =
            dev.run(&["send", "--to", TO, "--purpose", vendor, "--channel", channel, "--id-only"]);
        assert_eq!(sent.status, Some(0), "{}", sent.everything());
        let line = dev.told.next().unwrap().unwrap();
        let message: Value = serde_json::from_str(&line).expect(&line);
        let message = &message["message"];
        assert_eq!((&message["vendor"], &message["channel"]), (&vendor.into(), &channel.into()));
        let code = message["code"].as_str().unwrap();
        let verified = dev.run(&["verify", sent.stdout.trim(), "--code", code]);
        assert_eq!(verified.status, Some(0), "{}", verified.everything());
    }
    assert_eq!(dev.stop(), Some(0));
}

/// Connections to a vendor that is down are refused, so its sends are certainly not sent; after a lost
/// answer the outcome is unknown. The terminal shows which of the two it is.
#[test]
fn a_vendor_that_is_down_differs_from_a_lost_answer() {
    let mut dev = Dev::start(&[]);
    for (preset, kind, state) in
        [("down", "refuse", "not_sent"), ("answer_lost", "reset_after_read", "unknown")]
    {
        let url = format!("{}_emulator/faults/easyotp", dev.told("handset"));
        let fault = format!(r#"{{"preset":"{preset}"}}"#);
        let put = run(Command::new("curl").args(["-sfX", "PUT", &url, "-d", &fault]), "");
        assert_eq!(put.status, Some(0), "{}", put.everything());
        let line = dev.told.next().unwrap().unwrap();
        let told: Value = serde_json::from_str(&line).expect(&line);
        assert_eq!((&told["vendor"], &told["fault"]["kind"]), (&"easyotp".into(), &kind.into()));
        let ended = dev.run(&["send", "--to", TO, "--purpose", preset, "--id-only"]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        let shown = dev.run(&["status", ended.stdout.trim(), "--json"]).json().remove(0);
        assert_eq!(shown["send_attempts"][0]["provider"], "easyotp");
        assert_eq!(shown["send_attempts"][0]["state"], state, "{shown}");
        let carried = if preset == "down" { 1 } else { 2 };
        for _ in 0..carried {
            let line = dev.told.next().unwrap().unwrap();
            assert!(line.contains("\"message\""), "{line}");
        }
    }
    assert_eq!(dev.stop(), Some(0));
}

/// Software of other systems is tried with the addresses that are printed.
#[test]
fn doors_are_open() {
    let dev = Dev::start(&[]);
    let ask = |url: &str, form: &[&str]| {
        let user = format!("AC1:{}", dev.told("api_key"));
        let mut command = Command::new("curl");
        run(command.args(["-s", url, "-u", &user]).args(form), "").json().remove(0)
    };
    let twilio = dev.told("twilio_verify_base_url");
    let service = format!("{twilio}/v2/Services/VA00000000000000000000000000000000/Verifications");
    let sent = ask(&service, &["--data-urlencode", &format!("To={TO}"), "-d", "Channel=sms"]);
    assert_eq!((&sent["status"], &sent["to"]), (&"pending".into(), &TO.into()), "{sent}");
    let vonage = format!("{}/v2/verify", dev.told("vonage_verify_api_host"));
    let body = r#"{"brand":"Acme","workflow":[{"channel":"sms","to":"919876543211"}]}"#;
    let started = ask(&vonage, &["-H", "Content-Type: application/json", "-d", body]);
    assert!(started["request_id"].is_string(), "{started}");
    assert_eq!(dev.stop(), Some(0));
}

/// The printed commands are typed into a shell, word by word.
#[test]
fn the_commands_that_it_prints_work() {
    let temporary = Folder::new();
    let mut child = dev(&temporary).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<_> = lines.by_ref().take_while(|line| !line.contains("CODE arrives")).collect();
    let from = told.iter().position(|line| line.contains("export OTPMUX_URL")).unwrap();
    let until = told.iter().position(|line| line.contains("/verify")).unwrap();
    let shell = |script: &str| {
        let ended = run(Command::new("sh").args(["-c", script]), "");
        assert_eq!(ended.status, Some(0), "{script}\n{}", ended.everything());
        ended.json().remove(0)
    };
    let sent = shell(&told[from..until].join("\n"));
    assert_eq!(sent["status"], "pending", "{sent}");
    let arrived = lines.find(|line| !line.is_empty()).unwrap();
    let (what, code) = arrived.rsplit_once(": ").unwrap();
    assert_eq!(what, "  sms to +9•••••••••10 by easyotp");
    let exports = told[from..from + 2].join("\n");
    let verify = told[until..].join("\n");
    let verify = verify.replace("/ID/", &format!("/{}/", sent["id"].as_str().unwrap()));
    let answer = shell(&format!("{exports}\n{}", verify.replace("CODE", code)));
    assert_eq!(answer["verdict"], "approved");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_commands_of_the_readme_work() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let mut blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let block = blocks.find(|block| block.contains("/v1/verifications")).unwrap();
    let (send, verify) = block.split_once("\n\n").unwrap();

    let mut dev = Dev::start(&[]);
    let [url, key] = ["gateway", "api_key"].map(|name| dev.told(name).to_owned());
    let shell = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("OTPMUX_URL", &url).env("OTPMUX_API_KEY", &key);
        let ended = run(&mut command, "");
        assert_eq!(ended.status, Some(0), "{script}\n{}", ended.everything());
        ended.json().remove(0)
    };
    let sent = shell(send);
    let id = sent["id"].as_str().expect("an id");
    let line = dev.told.next().unwrap().unwrap();
    let message: Value = serde_json::from_str(&line).expect(&line);
    let code = message["message"]["code"].as_str().unwrap();
    let verify = verify.replace("0af7651916cd43dd8448eb211c80319c", id).replace("004217", code);
    assert_eq!(shell(&verify)["verdict"], "approved", "{verify}");
    assert_eq!(dev.stop(), Some(0));
}

#[test]
fn with_a_directory_the_next_run_knows_what_the_last_one_did() {
    let kept = Folder::new();
    let directory = kept.path().join("O'Brien \"at home\"");
    let arguments = ["--data", directory.to_str().unwrap()];
    let first = Dev::start(&arguments);
    let ended = first.run(&["send", "--to", TO, "--id-only"]);
    let (id, key) = (ended.stdout.trim().to_owned(), first.told("api_key").to_owned());
    assert_eq!(first.stop(), Some(0));
    let second = Dev::start(&arguments);
    assert_eq!(second.told("api_key"), key);
    let shown = second.run(&["status", &id, "--json"]).json().remove(0);
    assert_eq!(shown["status"], "pending");
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn a_failure_to_start_is_reported_and_leaves_nothing() {
    let temporary = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let free = "127.0.0.1:0";
    for (listen, emulator, option) in
        [(address.as_str(), free, "--listen"), (free, address.as_str(), "--emulator")]
    {
        let mut command = program();
        command.args(["dev", "--listen", listen, "--emulator", emulator]);
        let ended = run(command.env("TMPDIR", temporary.path()), "");
        assert_eq!(ended.status, Some(1), "{}", ended.everything());
        assert!(ended.stderr.contains(option), "{}", ended.stderr);
        assert!(temporary.is_empty(), "{option}");
    }
    // A key that the gateway refuses, after the store has been opened.
    let ended = run(dev(&temporary).args(["--api-key", "short"]), "");
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    assert!(temporary.is_empty(), "a short key");
    // The reader of its first line is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = dev(&temporary).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(temporary.is_empty(), "without a reader");
    let mut open = program();
    let ended = run(open.args(["dev", "--listen", "0.0.0.0:0"]), "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("other machines reach 0.0.0.0"), "{}", ended.stderr);
}
