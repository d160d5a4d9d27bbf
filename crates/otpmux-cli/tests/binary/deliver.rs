//! `otpmux deliver` and `otpmux delivery`.

use otpmux_testkit::leaks::assert_clean;

use crate::shared::{Shared, TO};
use crate::support::{Ended, run};

const CODE: &str = "427193";

fn ok(ended: Ended) -> Ended {
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{}", ended.everything());
    assert_clean(&ended.everything(), &[TO, CODE]);
    ended
}

/// The code is piped in; each further command is another process.
#[test]
fn a_code_is_delivered_shown_and_ended() {
    let shared = Shared::sqlite();
    let mut deliver = shared.command(&["deliver", "--to", TO, "--id-only"]);
    let id = ok(run(&mut deliver, &format!("{CODE}\n"))).stdout.trim().to_owned();
    assert_eq!(shared.vendors.emulator.last_code(TO).as_deref(), Some(CODE));
    let shown = ok(shared.run(&["delivery", "show", &id])).stdout;
    assert!(shown.contains("pending") && shown.contains("primary"), "{shown}");
    let json = ok(shared.run(&["delivery", "show", &id, "--json"])).json();
    assert_eq!((&json[0]["id"], &json[0]["status"]), (&id.as_str().into(), &"pending".into()));
    let soon = shared.run(&["delivery", "resend", &id]);
    assert_eq!(soon.status, Some(3), "{}", soon.everything());
    ok(shared.run(&["delivery", "outcome", &id, "approved"]));
    let shown = ok(shared.run(&["delivery", "show", &id])).stdout;
    assert!(shown.contains("ended"), "{shown}");
}

#[test]
fn no_verb_for_verifications_takes_its_id() {
    let shared = Shared::sqlite();
    let sent = ok(shared.run(&["deliver", "--to", TO, "--code", CODE, "--id-only"]));
    let id = sent.stdout.trim();
    for arguments in [&["verify", id, "--code", CODE][..], &["status", id], &["cancel", id]] {
        let ended = shared.run(arguments);
        assert_eq!(ended.status, Some(2), "{}", ended.everything());
        assert!(ended.stderr.contains("not a verification id"), "{}", ended.stderr);
        assert_clean(&ended.everything(), &[TO, CODE]);
    }
    let verification = shared.send();
    let ended = shared.run(&["delivery", "show", &verification]);
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("not a delivery id"), "{}", ended.stderr);
}

#[test]
fn what_is_no_code_is_refused_and_not_repeated() {
    let shared = Shared::sqlite();
    for (arguments, input) in [
        (&["deliver", "--to", TO, "--code", "427-193"][..], ""),
        (&["deliver", "--to", TO][..], "427193 427193\n"),
        (&["deliver", "--to", TO][..], ""),
        (&["deliver", "--to", TO, "--message", "no code here"][..], ""),
    ] {
        let ended = run(&mut shared.command(arguments), input);
        assert_eq!(ended.status, Some(2), "{}", ended.everything());
        assert_clean(&ended.everything(), &[TO, "427"]);
    }
    assert_eq!(shared.vendors.emulator.last_code(TO), None);
}
