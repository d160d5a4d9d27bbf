//! What lies in the store.

use otpmux_core::Clock;
use otpmux_engine::{NewVerification, VerificationStore};

use crate::world::{PHONE, World, carrier, phone};

/// SEC-08, W2: neither code nor number in the clear, whole or in part of the record's bytes.
#[tokio::test]
async fn sec_08_a_record_holds_neither_code_nor_number() {
    let provider = carrier("a");
    let world = World::of(&[&provider]);
    let new = NewVerification::to(phone()).with_message("Your code for Acme: {code}");
    let sent = world.client.send(new).await.unwrap();
    let code = provider.supplied_codes().remove(0);
    let record = world.store.load(sent.id, world.clock.now()).await.unwrap().unwrap();
    let shown = format!("{record:?} {:?} {sent:?}", world.client);
    assert!(!shown.contains(&PHONE[1..]) && !shown.contains(&format!("\"{code}\"")));
    assert!(!format!("{:?}", world.client).contains(&sent.id.to_string()), "nor what it holds");
    for secret in [code.as_bytes(), &PHONE.as_bytes()[1..], b"Acme"] {
        let sealed = &record.sealed.bytes;
        assert!(!sealed.windows(secret.len()).any(|window| window == secret));
    }
}
