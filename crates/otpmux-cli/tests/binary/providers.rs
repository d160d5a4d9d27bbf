//! `otpmux providers`.

use otpmux_emulator::{Fault, Vendor};
use otpmux_testkit::leaks::assert_clean;
use serde_json::json;

use crate::shared::{Shared, Store, TO};
use crate::support::{Vendors, program, run};

#[test]
fn capabilities_and_balance_of_each() {
    for shared in Shared::each() {
        let ended = shared.run(&["providers", "--json"]);
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{}", ended.everything());
        let told = ended.json()[0]["providers"].clone();
        assert_eq!((&told[0]["name"], &told[0]["kind"]), (&"primary".into(), &"easyotp".into()));
        assert_eq!(told[0]["channels"], json!(["sms", "voice", "email"]));
        assert_eq!((&told[0]["countries"], &told[0]["sender"]), (&json!([]), &json!(null)));
        assert_eq!(told[1]["phone_prefixes"], json!(["+916", "+917", "+918", "+919"]));
        assert_eq!(told[0]["otpmux_codes"], json!({ "min": 4, "max": 10 }));
        assert_eq!(told[0]["ttls"], json!({ "min": "1m", "max": "1h" }));
        assert_eq!(told[0]["documented"]["requests"], json!(["120/1m"]));
        assert_eq!(told[0]["requests"], json!(["120/1m"]));
        assert_eq!(told[0]["health"], json!({ "state": "closed" }));
        assert_eq!(told[0]["balance"], json!(null), "EasyOTP does not tell");
        assert_eq!(told[1]["balance"], json!({ "amount": "10000.0000", "currency": "INR" }));
    }
}

#[test]
fn a_table_for_readers() {
    let shared = Shared::with_sqlite("[resilience]\nrequests = [\"5/1s\"]");
    let ended = shared.run(&["providers"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""));
    for line in [
        "PROVIDER  KIND            SENDER    HEALTH  BALANCE",
        "backup    startmessaging  vendor's  closed  INR 10000.0000",
        "backup    sms                +916, +917, +918, +919  otpmux, 4 to 6 digits           vendor's  \
         status, balance  -",
        "primary   5/1s      120/1m      2/1m 15/1h 50/1d  5, then locked for 15m",
    ] {
        assert!(ended.stdout.lines().any(|shown| shown == line), "{line}\n{}", ended.stdout);
    }
}

#[test]
fn a_balance_that_cannot_be_read_is_reported() {
    let shared = Shared::sqlite();
    let ended = run(shared.command(&["providers", "--json"]).env("SM_KEY", "sm_live_wrong"), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let error = &ended.json()[0]["providers"][1]["balance"]["error"];
    assert_eq!(
        (&error["kind"], &error["certainty"]),
        (&"unauthenticated".into(), &"rejected".into())
    );
    assert_clean(&ended.everything(), &["sm_live_wrong"]);
    let ended = run(shared.command(&["providers"]).env("SM_KEY", "sm_live_wrong"), "");
    assert!(ended.stdout.contains("failed: unauthenticated (rejected)"), "{}", ended.stdout);
}

#[test]
fn balances_are_asked_only_where_needed() {
    let shared = Shared::sqlite();
    let ended = shared.run(&["providers", "--no-balance"]);
    assert!(ended.stdout.contains("not read"), "{}", ended.stdout);
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        assert_eq!(shared.vendors.emulator.request_count(vendor), 0);
    }
}

#[test]
fn findings_of_another_process_are_known() {
    for shared in Shared::each() {
        // A vendor that does not take the key any more is left alone at once.
        shared.vendors.emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
        let ended = shared.run(&["send", "--to", TO, "--no-verify"]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        let ended = shared.run(&["providers", "--no-balance", "--json"]);
        let told = ended.json()[0]["providers"].clone();
        assert_eq!(told[0]["health"]["state"], "open", "{told}");
        assert_eq!(told[0]["health"]["reason"], "unauthenticated");
        assert_eq!((&told[0]["sendable"], &told[1]["sendable"]), (&false.into(), &true.into()));
        for time in ["since", "until"] {
            assert!(told[0]["health"][time].as_str().unwrap().ends_with('Z'), "{told}");
        }
        let ended = shared.run(&["providers", "--no-balance"]);
        assert!(ended.stdout.contains("open since 20"), "{}", ended.stdout);
    }
}

#[test]
fn with_a_store_in_memory_health_is_unknown() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    let mut command = program();
    command.args(["providers", "--config"]).arg(file.path()).env("KEY", "made-up-key");
    let ended = run(&mut command, "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert!(
        ended.stdout.contains("easyotp   easyotp  vendor's  not known  not reported"),
        "{}",
        ended.stdout
    );
    let ended = run(command.arg("--json"), "");
    assert_eq!(ended.json()[0]["providers"][0]["health"], json!(null));
}

#[test]
fn a_store_out_of_reach_is_a_failure_and_the_rest_is_shown_all_the_same() {
    let mut shared = Shared::each().into_iter().nth(1).unwrap();
    let Store::Redis(server) = &mut shared.store else { panic!("Redis is asked for") };
    server.kill();
    let ended = shared.run(&["providers", "--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.everything());
    assert_eq!(ended.error()["kind"], "store");
    let told = ended.json()[0]["providers"].clone();
    assert_eq!(
        (&told[0]["health"], &told[1]["balance"]["currency"]),
        (&json!(null), &"INR".into())
    );
}
