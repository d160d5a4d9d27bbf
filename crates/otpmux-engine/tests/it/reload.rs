//! A running client continues with another configuration.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Secret, Verdict};
use otpmux_engine::{
    BuildError, ClientBuilder, MemoryStore, NewVerification, OtpClient, Policy, Resilience,
    ServerKeys,
};
use otpmux_testkit::ScriptedProvider;

use crate::world::{World, carrier, down, lenient, phone, vendor};

fn with(providers: &[&Arc<ScriptedProvider>]) -> ClientBuilder {
    let builder = OtpClient::builder().policy(lenient());
    providers.iter().fold(builder, |builder, provider| builder.provider(provider.port()))
}

fn ring(names: &[&str]) -> ServerKeys {
    let key = |name: &&str| ((*name).to_owned(), Secret::new(format!("{name:k<42}A")));
    ServerKeys::new(&names.iter().map(key).collect::<Vec<_>>()).unwrap()
}

fn names(ids: &[otpmux_core::ProviderId]) -> Vec<&str> {
    ids.iter().map(otpmux_core::ProviderId::as_str).collect()
}

#[tokio::test]
async fn a_provider_that_is_removed_still_verifies_its_own_codes() {
    let (a, b) = (vendor("a"), carrier("b"));
    let world = World::of(&[&a]);
    a.verifies.always(|_, _| Ok(Verdict::Approved));
    let sent = world.send().await.unwrap();
    let reloaded = world.client.reload(with(&[&b])).await.unwrap();
    assert_eq!((names(&reloaded.changed), names(&reloaded.retired)), (vec!["b"], vec!["a"]));
    world.send_for("other").await;
    assert_eq!((a.sends.count(), b.count()), (1, 1), "it sends nothing any more");
    assert_eq!(world.verify(&sent, "123456").await, "approved");

    // Another reload keeps it until its codes expire; a later one drops it.
    let sent = {
        let world = World::of(&[&a]);
        let sent = world.send().await.unwrap();
        world.client.reload(with(&[&b])).await.unwrap();
        world.client.reload(with(&[&b])).await.unwrap();
        assert_eq!(world.verify(&sent, "123456").await, "approved");
        world.advance(1_200);
        world.client.reload(with(&[&b])).await.unwrap();
        sent
    };
    drop(sent);
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_provider_keeps_its_health_and_a_new_one_begins_closed() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.always(|_, _| Err(down()));
    for _ in 0..5 {
        world.send().await.unwrap();
    }
    let reloaded = world.client.reload(with(&[&a, &b])).await.unwrap();
    assert_eq!(names(&reloaded.unchanged), ["a", "b"]);
    assert_eq!(world.send().await.unwrap().skipped.len(), 1, "still being left alone");

    let (new_a, mut resilience) = (carrier("a"), Resilience::default());
    let reloaded = world.client.reload(with(&[&new_a, &b])).await.unwrap();
    assert_eq!(names(&reloaded.changed), ["a"]);
    assert_eq!(world.send().await.unwrap().send_attempts[0].provider.as_str(), "a");
    resilience.retries = 0;
    let builder = with(&[&b]).provider_with(new_a.port(), resilience, None);
    assert_eq!(
        names(&world.client.reload(builder).await.unwrap().changed),
        ["a"],
        "other resilience"
    );
}

#[tokio::test]
async fn a_fingerprint_shows_that_two_providers_are_one() {
    let old = carrier("a");
    let resilience = Resilience::default();
    let by = |provider: &Arc<ScriptedProvider>, fingerprint| {
        OtpClient::builder().provider_with(provider.port(), resilience.clone(), fingerprint)
    };
    let client = by(&old, Some([1; 32])).build().unwrap();
    let same = client.reload(by(&carrier("a"), Some([1; 32]))).await.unwrap();
    assert_eq!(names(&same.unchanged), ["a"]);
    client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(old.count(), 1, "the one with the connections goes on");
    for fingerprint in [Some([2; 32]), None] {
        let other = client.reload(by(&carrier("a"), fingerprint)).await.unwrap();
        assert_eq!(names(&other.changed), ["a"]);
    }
}

#[tokio::test]
async fn a_reload_that_cannot_be_changes_nothing() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let mut policy = Policy::default();
    policy.max_guesses = 0;
    assert!(matches!(
        world.client.reload(with(&[&a]).policy(policy)).await,
        Err(BuildError::Policy(_))
    ));
    assert_eq!(world.client.reload(with(&[])).await.unwrap_err(), BuildError::NoProvider);
    let other = Arc::new(MemoryStore::new(10));
    let stored = with(&[&a]).store(other, crate::world::keys());
    assert_eq!(world.client.reload(stored).await.unwrap_err(), BuildError::StoreChanged);
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

#[tokio::test]
async fn sec_09_keys_rotate_under_load_and_no_right_code_is_refused() {
    let a = carrier("a");
    let build = |keys| with(&[&a]).server_keys(keys);
    let client = build(ring(&["old"])).build().unwrap();
    let rings = [&["old", "new"][..], &["new", "old"], &["new"], &["newer", "new"]];
    for (round, names) in rings.into_iter().cycle().take(40).enumerate() {
        let sent = client.send(NewVerification::to(phone())).await.unwrap();
        // The last ring of a round has lost the first one's key: then nothing changes.
        let _ = client.reload(build(ring(names))).await;
        let code = a.otpmux_codes()[round].parse().unwrap();
        assert!(client.verify(sent.id, &code).await.unwrap().is_approved(), "round {round}");
    }
    let client = build(ring(&["old"])).build().unwrap();
    let gone = client.reload(build(ring(&["new"]))).await.unwrap_err();
    assert_eq!(gone, BuildError::KeyGone("old".to_owned()));
    let another = ServerKeys::new(&[("old".to_owned(), Secret::new("w".repeat(43)))]).unwrap();
    assert_eq!(
        client.reload(build(another)).await.unwrap_err(),
        BuildError::KeyGone("old".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_send_under_way_ends_as_it_began() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a]);
    a.sends.answer_after(Duration::from_secs(3), Ok(otpmux_core::Sent::new()));
    let client = world.client.clone();
    let sending = tokio::spawn(async move { client.send(NewVerification::to(phone())).await });
    a.sends.called(1).await;
    world.client.reload(with(&[&b])).await.unwrap();
    let sent = sending.await.unwrap().unwrap();
    assert!(sent.confirmed);
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}
