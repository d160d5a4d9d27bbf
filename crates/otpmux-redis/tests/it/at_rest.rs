//! The files on disk contain neither recipients nor codes.

use std::collections::BTreeSet;

use otpmux_core::{Sent, VendorReference};
use otpmux_engine::NewVerification;
use otpmux_testkit::RedisServer;
use otpmux_testkit::leaks::{contents, found_in_bytes};

use crate::world::{client, code, provider, store};

#[tokio::test]
async fn sec_a_dump_holds_no_code_and_no_recipient() {
    let server = RedisServer::start_with(&[
        "--appendonly",
        "yes",
        "--rdbcompression",
        "no",
        "--loglevel",
        "debug",
    ]);
    let (store, ours) = (store(&server), provider("ours"));
    // Ten digits, so that no time or hash contains one by chance.
    let client = client(&store, &[&ours], |policy| policy.code_length = 10);
    // A vendor's reference may contain the recipient.
    ours.sends.always(|_, request| {
        let to = request.recipient.expose().trim_start_matches('+');
        Ok(Sent::new().with_reference(VendorReference::new(format!("message-{to}-1"))))
    });
    let mut secrets = Vec::new();
    for number in 0..300 {
        let phone = format!("91987{:07}", 7_000_000 + number * 137);
        let address = format!("somebody{number}@example.org");
        for to in [format!("+{phone}"), address.clone()] {
            let new = NewVerification::to(to.parse::<otpmux_core::Recipient>().unwrap());
            let named = new.with_idempotency_key(format!("request for {to}"));
            let sent = client.send(named.with_message("Your code: {code}")).await.unwrap();
            if number % 3 == 0 {
                client.verify(sent.id, &code("0000000000")).await.unwrap();
            }
            if number % 2 == 0 {
                let right = ours.sends.requests().pop().unwrap();
                let right = right.code.otpmux_code().unwrap().clone();
                assert!(client.verify(sent.id, &right).await.unwrap().is_approved());
            }
        }
        secrets.extend([phone, address]);
    }
    secrets.extend(ours.otpmux_codes());
    secrets.push("Your code".to_owned());

    server.command(&["SAVE"]);
    let dump = contents(server.directory());
    assert!(dump.len() > 600 * 1_000, "only {} bytes", dump.len());
    assert_eq!(found_in_bytes(&dump, &secrets), BTreeSet::new());

    // A leak would be found.
    server.command(&["SET", "leak", &format!("code={}, to={}", secrets[600], secrets[0])]);
    server.command(&["SAVE"]);
    let planted = BTreeSet::from([&secrets[0], &secrets[600]]);
    assert_eq!(found_in_bytes(&contents(server.directory()), &secrets), planted);
}
