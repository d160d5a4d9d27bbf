//! `otpmux check-config --explain`.

use otpmux_emulator::Vendor;
use otpmux_testkit::leaks::assert_clean;
use serde_json::json;

use crate::shared::{Shared, Store, TO};

const ROUTES: &str = "
[policy]
countries = [\"IN\", \"US\"]

[[routes]]
countries = [\"IN\"]
channels = [\"sms\"]
providers = [\"backup\", \"primary\"]

[[routes]]
providers = [\"primary\", \"backup\"]
";

#[test]
fn candidates_in_their_order_and_why() {
    let shared = Shared::with_sqlite(ROUTES);
    let ended = shared.check(&["--explain", TO, "--channel", "sms", "--json"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{}", ended.everything());
    let told = &ended.json()[0];
    assert_eq!((&told["country"], &told["served"]), (&"IN".into(), &true.into()));
    assert_eq!(told["route"]["number"], 1);
    assert_eq!(told["route"]["countries"], json!(["IN"]));
    let candidates = told["candidates"].as_array().unwrap();
    assert_eq!(
        (&candidates[0]["provider"], &candidates[0]["reason"]),
        (&"backup".into(), &"preferred".into())
    );
    assert_eq!(
        (&candidates[1]["provider"], &candidates[1]["reason"]),
        (&"primary".into(), &"failover".into())
    );
    assert_eq!(
        told["limits"][0],
        json!({ "by": "recipient", "windows": ["2/1m", "15/1h", "50/1d"] })
    );
    assert_eq!(told["error"], json!(null));

    let ended = shared.check(&["--explain", "+14155550123"]);
    for line in [
        "A send to +1••••••••23 by sms would go out.",
        "  country  US            the policy serves it",
        "  route    2             everything else by primary, then backup",
        "1      primary   otpmux, 6 digits  120/1m    first of its route",
    ] {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}\n{}", ended.stdout);
    }
    let skipped = "skipped: this provider does not reach this country or kind of number";
    assert!(ended.stdout.contains(skipped), "{}", ended.stdout);
}

#[test]
fn steps_of_escalation_are_shown_with_their_times() {
    let shared = Shared::with_sqlite(
        "
[policy]
countries = [\"IN\"]

[[routes]]
providers = [\"primary\", \"backup\"]
escalate = [{ after = \"30s\", by = \"next\" }, { after = \"60s\", channel = \"voice\" }]
",
    );
    let ended = shared.check(&["--explain", TO]);
    for step in ["by the next provider after 30s", "by voice after 90s"] {
        assert!(ended.stdout.contains(step), "{}", ended.stdout);
    }
    let told = shared.check(&["--explain", TO, "--json"]).json().remove(0);
    assert_eq!(
        told["route"]["escalate"],
        json!([
            { "after": "30s", "at": "30s", "by": "next", "channel": null },
            { "after": "1m", "at": "90s", "by": null, "channel": "voice" },
        ])
    );
}

#[test]
fn a_request_that_would_be_refused_exits_with_a_failure() {
    let shared = Shared::with_sqlite(ROUTES);
    let ended = shared.check(&["--explain", "+447700900123", "--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.everything());
    let told = &ended.json()[0];
    assert_eq!((&told["country"], &told["served"]), (&"GB".into(), &false.into()));
    assert_eq!(
        (&told["error"]["kind"], &told["error"]["blame"]),
        (&"unsupported".into(), &"policy".into())
    );
    assert_eq!((&told["route"], &told["candidates"]), (&json!(null), &json!([])));
    assert_clean(&ended.everything(), &["+447700900123"]);

    let ended = shared.check(&["--explain", TO, "--channel", "whatsapp"]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.stdout.contains("would be refused: primary: not supported"), "{}", ended.stdout);
    assert_eq!(ended.stdout.matches("does not send by this channel").count(), 3);
}

#[test]
fn nothing_is_sent_and_nothing_is_written() {
    let shared = Shared::with_sqlite(ROUTES);
    for _ in 0..9 {
        assert_eq!(shared.check(&["--explain", TO]).status, Some(0));
    }
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        assert_eq!(shared.vendors.emulator.request_count(vendor), 0);
    }
    let Store::Sqlite(folder) = &shared.store else { panic!("SQLite is asked for") };
    assert!(!folder.database().exists());
}

#[test]
fn wishes_that_cannot_be_are_usage_errors_that_repeat_no_number() {
    let shared = Shared::with_sqlite(ROUTES);
    for arguments in [
        &["--explain", "9876543210"][..],
        &["--channel", "sms"],
        &["--explain", TO, "--channel", "No Such"],
        &["--explain", TO, "--purpose", "No Such"],
    ] {
        let ended = shared.check(arguments);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert_clean(&ended.everything(), &[TO, "9876543210"]);
    }
}

#[test]
fn weights_are_shown() {
    let routes = "[[routes]]\nproviders = { primary = 70, backup = 30 }";
    let shared = Shared::with_sqlite(routes);
    let ended = shared.check(&["--explain", TO]);
    assert!(ended.stdout.contains("WEIGHT"), "{}", ended.stdout);
    assert!(ended.stdout.contains("The order is drawn by weight"), "{}", ended.stdout);
    let told = &shared.check(&["--explain", TO, "--json"]).json()[0];
    assert_eq!(told["candidates"][1]["weight"], 30);
}

#[test]
fn kinds_and_islands_are_told_apart() {
    let shared = Shared::with_sqlite(ROUTES);
    for (number, country, kind) in [
        ("+447911123456", "GG", "ordinary"),
        ("+447797123456", "JE", "ordinary"),
        ("+447624123456", "IM", "ordinary"),
        ("+449012345678", "GB", "premium"),
        ("+447012345678", "GB", "personal"),
        ("+262639123456", "YT", "ordinary"),
        ("+5993181234", "BQ", "ordinary"),
        ("+12732345678", "CA", "ordinary"),
        ("+19002345678", "US", "premium"),
    ] {
        let ended = shared.check(&["--explain", number, "--json"]);
        let told = &ended.json()[0];
        assert_eq!((&told["country"], &told["kind"]), (&country.into(), &kind.into()), "{number}");
        assert_clean(&ended.everything(), &[number]);
    }
    let unassigned = &shared.check(&["--explain", "+17105550123", "--json"]).json()[0];
    assert_eq!((&unassigned["country"], &unassigned["kind"]), (&json!(null), &"unassigned".into()));
}

/// The message as it would be sent, with its size.
#[test]
fn the_message_and_what_it_costs() {
    let messages = "
[messages]
app = \"Acme\"
webotp_host = \"acme.example\"

[messages.variables]
name = { max = 10 }

[messages.texts.login.en]
text = \"{name}: {code} is your {app} code.\"
";
    let shared = Shared::with_sqlite(messages);
    let login = ["--explain", TO, "--purpose", "login", "--variable", "name=Zoë"];
    let ended = shared.check(&login);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    for line in [
        "message by sms (en): 1 segment, 69 units of ucs2",
        "  text     Zoë: 000000 is your Acme code. Do not share it.",
        "           @acme.example #000000",
    ] {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}\n{}", ended.stdout);
    }
    let json = shared.check(&[&login[..], &["--channel", "voice", "--json"]].concat()).json();
    let once = "Zoë: 0, 0, 0, 0, 0, 0 is your Acme code.";
    assert_eq!(json[0]["message"]["speech"], format!("{once} {once}"));
    assert_eq!(json[0]["message"]["segments"], json!(null));
    let without = shared.check(&["--explain", TO, "--purpose", "login"]);
    assert_eq!(without.status, Some(1), "{}", without.everything());
    assert!(without.stdout.contains("the text needs the variable `name`"), "{}", without.stdout);
    let unwritten = shared.check(&["--explain", TO, "--variable", "name"]);
    let expected = "--variable: must be NAME=VALUE, such as name=Ann";
    assert!(unwritten.stderr.contains(expected), "{}", unwritten.everything());
}
