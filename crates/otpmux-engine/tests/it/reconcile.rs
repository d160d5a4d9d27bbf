//! A vendor's status of a send whose answer was lost.

use std::sync::Arc;

use otpmux_core::{Capabilities, Channel, Delivery, Status};
use otpmux_engine::AttemptState;
use otpmux_testkit::ScriptedProvider;

use crate::world::{World, carrier, unknown};

/// A provider that carries otpmux's codes and finds messages by otpmux's key.
fn finder(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.status = true;
    capabilities.status_by_key = true;
    Arc::new(ScriptedProvider::new(id, capabilities))
}

#[tokio::test]
async fn a_message_that_the_vendor_knows_was_sent_and_no_other_vendor_is_called() {
    let (a, b) = (finder("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(unknown()));
    a.statuses.always(|_, _| Ok(Status::new(Delivery::Sent)));
    let sent = world.send().await.unwrap();
    assert!(sent.confirmed);
    assert_eq!((sent.send_attempts[0].state, b.count()), (AttemptState::Accepted, 0));
    let keys = [a.sends.contexts(), a.statuses.contexts()].map(|it| it[0].idempotency_key);
    assert_eq!(keys[0], keys[1], "it is found by the key that it was sent under");
}

#[tokio::test]
async fn a_message_that_failed_is_no_duplicate_of_the_next() {
    let (a, b, c) = (finder("a"), carrier("b"), carrier("c"));
    let world = World::of(&[&a, &b, &c]);
    a.sends.answer(Err(unknown()));
    a.statuses.always(|_, _| Ok(Status::new(Delivery::Failed)));
    b.sends.answer(Err(unknown()));
    let sent = world.send().await.unwrap();
    assert!(sent.confirmed, "one duplicate was left for the third");
    assert_eq!((sent.send_attempts[0].state, c.count()), (AttemptState::Rejected, 1));
}

#[tokio::test]
async fn a_vendor_that_cannot_tell_leaves_it_unknown() {
    let answers: [Result<Status, _>; 3] = [
        Ok(Status::new(Delivery::Unknown)),
        Err(unknown()),
        Err(otpmux_core::Error::new(
            otpmux_core::ErrorKind::NotFound,
            otpmux_core::Certainty::Rejected,
            otpmux_core::Blame::Caller,
        )),
    ];
    for answer in answers {
        let a = finder("a");
        let world = World::of(&[&a]);
        a.sends.answer(Err(unknown()));
        a.statuses.answer(answer);
        let sent = world.send().await.unwrap();
        assert_eq!((sent.confirmed, sent.send_attempts[0].state), (false, AttemptState::Unknown));
        assert_eq!(a.sends.count(), 1);
    }
}

/// At first it was too early for a status.
#[tokio::test]
async fn a_later_status_settles_what_was_unknown() {
    let a = finder("a");
    let world = World::of(&[&a]);
    a.sends.answer(Err(unknown()));
    a.statuses.answer(Err(unknown()));
    let sent = world.send().await.unwrap();
    assert!(!sent.confirmed);
    a.statuses.always(|_, _| Ok(Status::new(Delivery::Delivered)));
    let asked = world.client.status(sent.id).await.unwrap();
    assert!(asked.confirmed);
    assert_eq!(asked.send_attempts[0].delivery, Some(Delivery::Delivered));
    a.statuses.always(|_, _| Err(unknown()));
    assert!(world.client.status(sent.id).await.unwrap().confirmed, "it was written down");
}
