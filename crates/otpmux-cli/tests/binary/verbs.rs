//! Sent in one process; verified, resent, cancelled and looked at in others.

use std::sync::Arc;
use std::time::Duration;

use otpmux::provider::{Capabilities, Clock as _, SystemClock};
use otpmux::sqlite::{Options, SqliteStore};
use otpmux::{Channel, NewVerification, OtpClient, ServerKeys};
use otpmux_emulator::{Fault, FaultKind, MessageFilter, Vendor};
use otpmux_testkit::leaks::assert_clean;
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::shared::{Folder, SERVER_KEY, Shared, Store, TO};
use crate::support::{Vendors, program, run};

#[test]
fn a_code_is_verified_by_another_process_and_only_once() {
    for shared in Shared::each() {
        let id = shared.send();
        let (right, wrong) = shared.codes();
        let verify = |code: &str| {
            let ended = shared.run(&["verify", &id, "--code", code, "--json"]);
            assert_eq!(ended.stderr, "");
            (ended.status, ended.json()[0].clone())
        };
        let (status, verdict) = verify(&wrong);
        assert_eq!((status, &verdict["verdict"]), (Some(1), &"wrong_code".into()));
        assert_eq!(verdict["guesses_left"], 4);
        let (status, verdict) = verify(&right);
        assert_eq!((status, &verdict["verdict"]), (Some(0), &"approved".into()));
        let (status, verdict) = verify(&right);
        assert_eq!((status, &verdict["verdict"]), (Some(5), &"already_used".into()));
    }
}

#[test]
fn a_named_try_has_one_verdict_in_every_process() {
    for shared in Shared::each() {
        let id = shared.send();
        let (right, wrong) = shared.codes();
        let verify = |code: &str, name: &str| {
            let ended = shared.run(&[
                "verify",
                &id,
                "--code",
                code,
                "--idempotency-key",
                name,
                "--client-ip",
                "203.0.113.7",
                "--json",
            ]);
            (ended.status, ended.stdout)
        };
        for _ in 0..3 {
            let (status, told) = verify(&wrong, "one");
            assert_eq!(status, Some(1));
            assert!(told.contains(r#""guesses_left":4"#), "{told}");
        }
        assert_eq!(verify(&right, "one").0, Some(2), "the name of another code");
        for _ in 0..2 {
            assert_eq!(verify(&right, "two").0, Some(0));
        }
        assert_eq!(verify(&right, "three").0, Some(5));
    }
    let shared = Shared::sqlite();
    let ended = shared.run(&["verify", &shared.send(), "--idempotency-key", "one"]);
    assert_eq!(ended.status, Some(2), "a name is of one code: {}", ended.everything());
}

/// The process that verifies has got nothing from the one that sent.
#[test]
fn a_code_is_verified_by_recipient_or_by_the_callers_own_id() {
    for shared in Shared::each() {
        let sent = shared.run(&[
            "send",
            "--to",
            TO,
            "--purpose",
            "login",
            "--external-id",
            "order-4711",
            "--id-only",
        ]);
        assert_eq!(sent.status, Some(0), "{}", sent.everything());
        let (right, wrong) = shared.codes();
        let verify = |code: &str, which: &[&str]| {
            let ended = shared.run(&[&["verify", "--code", code, "--json"], which].concat());
            assert_eq!(ended.stderr, "");
            (ended.status, ended.json()[0]["verdict"].clone())
        };
        let typed = "098765 43210";
        let to: &[&str] = &["--to", typed, "--country", "IN", "--purpose", "login"];
        let external: &[&str] = &["--external-id", "order-4711", "--purpose", "login"];
        assert_eq!(verify(&right, &["--to", TO]), (Some(5), "not_found".into()), "no purpose");
        assert_eq!(verify(&wrong, to), (Some(1), "wrong_code".into()));
        assert_eq!(verify(&wrong, external), (Some(1), "wrong_code".into()));
        assert_eq!(verify(&right, to), (Some(0), "approved".into()));
        assert_eq!(verify(&right, external), (Some(5), "already_used".into()));
        let again = shared.run(&[
            "send",
            "--to",
            TO,
            "--purpose",
            "login",
            "--external-id",
            "order-4711",
            "--id-only",
        ]);
        assert_ne!(again.status, Some(0), "{}", again.everything());
        assert_clean(&again.everything(), &[TO, "order-4711"]);
    }
    let shared = Shared::sqlite();
    for mistake in [
        &["verify", "--code", "123456"][..],
        &["verify", "--code", "123456", "--to", TO, "--external-id", "order-4711"],
        &["verify", "--code", "123456", "--to", "987"],
        &["verify", "--code", "123456", "--external-id", "two words"],
        &["verify", "--code", "123456", "--external-id", "x", "--country", "IN"],
    ] {
        let ended = shared.run(mistake);
        assert_eq!(ended.status, Some(2), "{mistake:?}: {}", ended.everything());
        assert_clean(&ended.everything(), &[TO, "two words"]);
    }
}

#[test]
fn codes_are_read_from_standard_input_until_one_is_right() {
    let shared = Shared::sqlite();
    let id = shared.send();
    let (right, wrong) = shared.codes();
    // As it is pasted from a page of another direction.
    let pasted = format!("\u{200e}{}\u{a0}{}\u{200b}\r", &right[..3], &right[3..]);
    let lines = format!("{wrong}\nnot a code\n {pasted}\nnever read\n");
    let ended = run(&mut shared.command(&["verify", &id]), &lines);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert_eq!(ended.stdout, "wrong code, 4 guesses left\napproved\n");
    assert!(ended.stderr.contains("this did not count"), "{}", ended.stderr);
    assert_clean(&ended.everything(), &[TO, &right, &wrong]);

    let id = shared.send();
    let (_, wrong) = shared.codes();
    let ended = run(&mut shared.command(&["verify", &id, "--json"]), &format!("{wrong}\n"));
    assert_eq!(ended.status, Some(1), "nothing more was typed");
    assert_eq!(ended.json()[0]["verdict"], "wrong_code");
}

#[test]
fn status_shows_the_history_and_the_delivery() {
    for shared in Shared::each() {
        shared.vendors.emulator.set_fault(Vendor::EasyOtp, Fault::status(503));
        let id = shared.send();
        let ended = shared.run(&["status", &id, "--json"]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        let found = &ended.json()[0];
        assert_eq!((&found["id"], &found["status"]), (&id.as_str().into(), &"pending".into()));
        assert_eq!((&found["to"], &found["channel"]), (&"+9•••••••••10".into(), &"sms".into()));
        let send_attempts = found["send_attempts"].as_array().unwrap();
        assert_eq!(send_attempts[0]["provider"], "primary");
        assert_eq!(send_attempts.last().unwrap()["provider"], "backup");
        assert_eq!(send_attempts.last().unwrap()["state"], "accepted");
        assert_eq!(send_attempts.last().unwrap()["reason"], "failover");
        assert_eq!(send_attempts.last().unwrap()["message"], "after a failure");
        assert!(send_attempts.last().unwrap()["delivery"].is_string(), "{found}");
        let (right, _) = shared.codes();
        let ended = shared.run(&["status", &id]);
        assert!(ended.stdout.starts_with("To +9•••••••••10 by sms.\n"), "{}", ended.stdout);
        assert!(ended.stdout.contains("  status        pending\n"), "{}", ended.stdout);
        assert!(ended.stdout.contains("PROVIDER  CHANNEL  OUTCOME"), "{}", ended.stdout);
        assert_clean(&ended.everything(), &[TO, &right]);
        assert_eq!(shared.run(&["verify", &id, "--code", &right]).status, Some(0));
        assert_eq!(shared.run(&["status", &id, "--json"]).json()[0]["status"], "approved");
    }
}

#[test]
fn a_skipped_provider_is_in_the_history() {
    let shared = Shared::with_sqlite("[[routes]]\nproviders = [\"backup\", \"primary\"]");
    let ended = shared.run(&["send", "--to", "+14155550123", "--no-verify", "--json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let skip = &ended.json()[0]["skipped"][0];
    assert_eq!((&skip["provider"], &skip["before"]), (&"backup".into(), &0.into()));
    assert_eq!(skip["reason"], "unsupported_recipient");
    assert!(skip["message"].as_str().unwrap().contains("does not reach this country"), "{skip}");
}

#[test]
fn a_resend_too_soon_says_when_and_a_cancelled_one_is_over() {
    for shared in Shared::each() {
        let id = shared.send();
        let (right, _) = shared.codes();
        let ended = shared.run(&["resend", &id, "--json"]);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""));
        let error = ended.error();
        assert_eq!((&error["kind"], &error["blame"]), (&"rate_limited".into(), &"policy".into()));
        assert!((1..=30).contains(&error["retry_after"].as_u64().unwrap()), "{error}");

        let ended = shared.run(&["cancel", &id, "--json"]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
        assert_eq!(ended.json()[0]["cancelled"], true);
        assert_eq!(shared.run(&["cancel", &id]).status, Some(5));
        assert_eq!(shared.run(&["verify", &id, "--code", &right]).status, Some(5));
        assert_eq!(shared.run(&["resend", &id]).status, Some(5));
    }
}

#[test]
fn a_resend_carries_the_same_code() {
    let shared = Shared::with_sqlite("[policy]\nresend_delay = \"0s\"\nresend_delay_max = \"0s\"");
    let id = shared.send();
    let (first, _) = shared.codes();
    let ended = shared.run(&["resend", &id]);
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert!(ended.stdout.starts_with("Sent by sms to +9•••••••••10.\n"), "{}", ended.stdout);
    assert_eq!(shared.vendors.emulator.messages(&MessageFilter::default()).len(), 2);
    assert_eq!(shared.codes().0, first);
    assert_eq!(shared.run(&["verify", &id, "--code", &first]).status, Some(0));
}

/// Sends at another time than this, into the store of the program.
fn sent_before(shared: &Shared, before: Duration) -> String {
    let Store::Sqlite(folder) = &shared.store else { panic!("SQLite is asked for") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    let keys = [("1".to_owned(), SERVER_KEY.to_owned().into())];
    let store = SqliteStore::open(folder.database(), Options::default()).unwrap();
    let client = OtpClient::builder()
        .provider(Arc::new(ScriptedProvider::new("primary", capabilities)).port())
        .clock(Arc::new(ManualClock::new(SystemClock.now() - before)))
        .store(Arc::new(store), ServerKeys::new(&keys).unwrap())
        .build()
        .unwrap();
    let new = NewVerification::to(TO.parse::<otpmux::Recipient>().unwrap());
    runtime.block_on(client.send(new)).unwrap().id.to_string()
}

#[test]
fn an_expired_code_is_reported_as_expired() {
    let shared = Shared::sqlite();
    let id = sent_before(&shared, Duration::from_mins(6));
    let ended = shared.run(&["verify", &id, "--code", "123456", "--json"]);
    assert_eq!(ended.status, Some(5), "{}", ended.everything());
    assert_eq!(ended.json()[0]["verdict"], "expired");
    let ended = shared.run(&["status", &id, "--json"]);
    assert_eq!((ended.status, &ended.json()[0]["status"]), (Some(0), &"expired".into()));
}

#[test]
fn an_unknown_id_and_a_malformed_one() {
    for shared in Shared::each() {
        let id = "0123456789abcdef0123456789abcdee";
        let ended = shared.run(&["verify", id, "--code", "123456"]);
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(5), "no such verification; send a new code\n")
        );
        for verb in ["status", "resend"] {
            let ended = shared.run(&[verb, id, "--json"]);
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(5), ""), "{verb}");
            assert_eq!(ended.error()["kind"], "not_found");
        }
        for verb in ["verify", "status", "resend", "cancel"] {
            let ended = shared.run(&[verb, TO]);
            assert_eq!(ended.status, Some(2), "{verb}");
            assert!(ended.stderr.contains("ID: not a verification id"), "{}", ended.stderr);
            assert_clean(&ended.everything(), &[TO]);
        }
    }
}

#[test]
fn a_text_that_is_no_code_counts_no_guess() {
    let shared = Shared::sqlite();
    let id = shared.send();
    for typed in ["12.345", "123", "12345678901", "abcdef", ""] {
        let ended = shared.run(&["verify", &id, "--code", typed]);
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""));
        assert!(typed.len() < 4 || !ended.stderr.contains(typed), "{}", ended.stderr);
    }
    assert_eq!(shared.run(&["status", &id, "--json"]).json()[0]["guesses_left"], 5);
}

#[test]
fn a_store_in_memory_is_of_no_use_to_another_process() {
    let vendors = Vendors::start();
    let file = vendors.file("");
    let id = "0123456789abcdef0123456789abcdee";
    for verb in ["verify", "status", "resend", "cancel"] {
        let mut command = program();
        command.args([verb, id, "--config"]).arg(file.path()).env("KEY", "made-up-key");
        let ended = run(&mut command, "");
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{verb}");
        assert!(ended.stderr.contains("in the memory of one process"), "{}", ended.stderr);
    }
    let ended = run(&mut vendors.send(&file, &["--to", TO, "--id-only"]), "");
    assert_eq!(ended.status, Some(2));
    assert_eq!(vendors.emulator.request_count(Vendor::EasyOtp), 0, "nothing was sent");
    let ended = run(&mut vendors.send(&file, &["--to", TO, "--no-verify"]), "");
    assert_eq!(ended.status, Some(0));
    assert!(ended.stderr.starts_with("warning: the store is in memory"), "{}", ended.stderr);
}

#[test]
fn an_answer_that_is_lost_is_neither_yes_nor_no() {
    let (vendors, folder) = (Vendors::start(), Folder::new());
    let url = vendors.emulator.base_url(Vendor::StartMessaging);
    // StartMessaging makes the code, so it must be asked.
    let file = vendors.file(&format!(
        "[providers.managed]\nkind = \"startmessaging\"\nmode = \"managed\"\n\
         api_key = \"env:SM_KEY\"\nbase_url = \"{url}\"\n\
         [[routes]]\nproviders = [\"managed\"]\n\
         [store]\nurl = \"sqlite:{}\"\n[[server_keys]]\nid = \"1\"\nkey = \"env:SERVER_KEY\"",
        folder.database().display()
    ));
    let with = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments).arg("--config").arg(file.path());
        command
            .env("KEY", "made-up-key")
            .env("SM_KEY", vendors.emulator.startmessaging().api_key)
            .env("SERVER_KEY", SERVER_KEY);
        run(&mut command, "")
    };
    vendors.emulator.update_startmessaging(|account| {
        account.dialect = otpmux_emulator::vendors::startmessaging::Dialect::Tutorial;
        account.fixed_code = Some("004217".to_owned());
    });
    let sent = with(&["send", "--to", TO, "--id-only"]);
    assert_eq!(sent.status, Some(0), "{}", sent.everything());
    let fault = Fault::new(FaultKind::ResetAfterRead).after_work();
    vendors.emulator.set_fault(Vendor::StartMessaging, fault);
    let ended = with(&["verify", sent.stdout.trim(), "--code", "004217", "--json"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(4), ""), "{}", ended.everything());
    assert_eq!(ended.error()["certainty"], "unknown");
    assert_clean(&ended.everything(), &[TO, "004217"]);
}

#[test]
fn a_store_that_is_gone_is_a_failure_and_no_code_is_approved() {
    let mut shared = Shared::each().into_iter().nth(1).unwrap();
    let id = shared.send();
    let (right, _) = shared.codes();
    let Store::Redis(server) = &mut shared.store else { panic!("Redis is asked for") };
    server.kill();
    let ended = shared.run(&["verify", &id, "--code", &right, "--json"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""), "{}", ended.everything());
    assert_eq!(ended.error()["kind"], "store");
    assert_clean(&ended.everything(), &[TO, &right]);
}

#[test]
fn a_named_request_is_sent_once() {
    let shared = Shared::with_sqlite("[policy]\nresend_delay = \"0s\"\nresend_delay_max = \"0s\"");
    let send = |to: &str| {
        let named = ["send", "--to", to, "--no-verify", "--json", "--idempotency-key", "order-7"];
        shared.run(&named)
    };
    let (first, second) = (send(TO), send(TO));
    assert_eq!((first.status, second.status), (Some(0), Some(0)), "{}", second.everything());
    let id = first.json()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(second.json()[0]["id"], id.as_str());
    assert_eq!(shared.vendors.emulator.request_count(Vendor::EasyOtp), 1);
    let other = send("+919812345678");
    assert_eq!((other.status, &other.error()["kind"]), (Some(2), &"key_reused".into()));
    for _ in 0..2 {
        let ended = shared.run(&["resend", &id, "--idempotency-key", "again"]);
        assert_eq!(ended.status, Some(0), "{}", ended.everything());
    }
    assert_eq!(shared.vendors.emulator.messages(&MessageFilter::default()).len(), 2);
}
