//! The providers as an operator sees them.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Balance, Blame, Capabilities, Certainty, Channel, ErrorKind, RateLimit};
use otpmux_engine::{
    Health, MemoryStore, NewVerification, OtpClient, Resilience, VerificationStore,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{World, builder, carrier, down, error, keys, lenient, phone, vendor};

#[tokio::test]
async fn all_are_there_by_name_with_what_they_can_do() {
    let (b, a) = (carrier("b"), vendor("a"));
    let limit = RateLimit::new(3, Duration::from_secs(1));
    let mut resilience = Resilience::default();
    resilience.requests = Some(vec![limit]);
    let client = OtpClient::builder()
        .provider_with(b.port(), resilience, None)
        .provider(a.port())
        .build()
        .unwrap();
    let views = client.providers();
    let names: Vec<_> = views.iter().map(|view| view.id().as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(views[0].capabilities().vendor_codes.is_some());
    assert_eq!((views[0].requests(), views[1].requests()), (&[][..], &[limit][..]));
    assert!(views.iter().all(|view| *view.health() == Health::Closed && view.is_available()));
}

#[tokio::test(start_paused = true)]
async fn health_that_another_process_has_seen_is_learned_from_the_store() {
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(1_000));
    let clock = Arc::<ManualClock>::default();
    let (a, b) = (carrier("a"), carrier("b"));
    let client = || {
        let builder = builder(&[&a, &b], lenient(), &clock);
        builder.store(Arc::clone(&store), keys()).build().unwrap()
    };
    let (first, second) = (client(), client());
    a.sends.always(|_, _| Err(down()));
    for _ in 0..5 {
        first.send(NewVerification::to(phone())).await.unwrap();
    }
    assert_eq!(first.providers()[0].health().as_str(), "open");
    assert_eq!(second.providers()[0].health().as_str(), "closed", "it is not known yet");
    second.refresh_health().await.unwrap();
    let views = second.providers();
    assert!(!views[0].is_available() && views[1].is_available());
    let Health::Open { why, .. } = views[0].health() else { panic!("{views:?}") };
    assert_eq!(*why, ErrorKind::Unavailable);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert!(second.providers()[0].is_available(), "a probe is due");
}

#[tokio::test]
async fn a_balance_is_the_vendors_answer_or_the_reason_why_there_is_none() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.balance = true;
    let rich = Arc::new(ScriptedProvider::new("rich", capabilities));
    let mute = carrier("mute");
    let world = World::of(&[&rich, &mute]);
    let ask =
        async |name: &str| world.client.balance(&otpmux_core::ProviderId::new(name).unwrap()).await;
    rich.balances.answer(Ok(Balance::new("12.50", Some("INR".to_owned()))));
    assert_eq!(ask("rich").await.unwrap().amount, "12.50");
    rich.balances.answer(Err(error(Certainty::Rejected, Blame::Provider)));
    assert_eq!(ask("rich").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(ask("mute").await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(ask("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
}
