//! The live verification of a recipient, found without its id and without a guess.

use std::sync::Arc;

use otpmux_core::{Purpose, Secret};
use otpmux_engine::{MemoryStore, NewVerification, ServerKeys, VerificationStore};
use otpmux_testkit::ManualClock;

use crate::world::{World, builder, carrier, lenient, phone};

#[tokio::test]
async fn it_is_found_as_often_as_one_likes_and_nothing_changes() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let (default, login) = (Purpose::default(), Purpose::new("login").unwrap());
    assert_eq!(world.client.live(&phone(), &default).await.unwrap(), None);
    assert_eq!(world.store.len(), 0, "looking writes no verification");
    let sent = world.send().await.unwrap();
    for _ in 0..10 {
        assert_eq!(world.client.live(&phone(), &default).await.unwrap(), Some(sent.id));
    }
    assert_eq!(world.client.live(&phone(), &login).await.unwrap(), None);
    assert_eq!((world.store.len(), a.count()), (1, 1));
    assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, 5);
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
    assert_eq!(world.client.live(&phone(), &default).await.unwrap(), None);
    let expired = world.send().await.unwrap();
    world.advance(1_200);
    assert_eq!(world.client.live(&phone(), &default).await.unwrap(), None, "{expired:?}");
}

#[tokio::test]
async fn one_under_an_older_server_key_is_found() {
    let (a, clock) = (carrier("a"), Arc::new(ManualClock::default()));
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(100));
    let client = |names: &[&str]| {
        let key = |name: &&str| ((*name).to_owned(), Secret::new(format!("{name:k<42}A")));
        let keys = ServerKeys::new(&names.iter().map(key).collect::<Vec<_>>()).unwrap();
        builder(&[&a], lenient(), &clock).store(Arc::clone(&store), keys).build().unwrap()
    };
    let sent = client(&["old"]).send(NewVerification::to(phone())).await.unwrap();
    let rotated = client(&["new", "old"]);
    let live = rotated.live(&phone(), &Purpose::default()).await.unwrap();
    assert_eq!(live, Some(sent.id));
    assert_eq!(client(&["new"]).live(&phone(), &Purpose::default()).await.unwrap(), None);
}
