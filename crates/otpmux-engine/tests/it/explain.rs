//! Explains a send without sending, and compares it with the real send.

use std::time::Duration;

use otpmux_core::{Channel, ErrorKind, Incompatibility, ProviderId, Purpose, RateLimit};
use otpmux_engine::{
    Choice, Explanation, MessageLimits, NewVerification, Policy, Route, Routes, SkipReason,
};

use crate::world::{PHONE, World, builder, carrier, down, lenient, phone, vendor};

fn names(explanation: &Explanation) -> Vec<&str> {
    explanation.candidates.iter().map(|one| one.provider.as_str()).collect()
}

fn id(name: &str) -> ProviderId {
    ProviderId::new(name).unwrap()
}

fn limits(explanation: &Explanation) -> Vec<&str> {
    explanation.limits.iter().map(|limit| limit.scope.as_str()).collect()
}

#[tokio::test]
async fn tells_the_route_the_order_and_the_limits_and_does_nothing() {
    let (a, b, c) = (carrier("a"), vendor("b"), carrier("c"));
    let mut india = Route::to([id("c"), id("b")]);
    india.countries = vec!["IN".into()];
    let routes = Routes::new([india, Route::to([id("a")])]);
    let mut policy = Policy::default();
    policy.countries = Some(vec!["IN".into()]);
    let client = builder(&[&a, &b, &c], policy, &std::sync::Arc::default()).routes(routes.clone());
    let client = client.build().unwrap();
    for _ in 0..9 {
        let told = client.explain(NewVerification::to(phone()));
        assert_eq!((told.country, told.served), (Some("IN"), true));
        assert_eq!(told.channel, Channel::Sms);
        assert_eq!(told.route, Some((0, routes.as_slice()[0].clone())));
        assert_eq!(names(&told), ["c", "b"]);
        let [first, second] = &told.candidates[..] else { panic!("{told:?}") };
        assert_eq!((first.reason, first.otpmux_code), (Choice::Preferred, true));
        assert_eq!((second.reason, second.otpmux_code), (Choice::Failover, false));
        assert_eq!(first.code_length, Some(6));
        assert_eq!(limits(&told), ["recipient", "number_range"]);
        assert!(told.refusal.is_none());
        assert!(!format!("{told:?}").contains(&PHONE[3..9]));
    }
    assert_eq!(a.count() + b.count() + c.count(), 0, "no vendor was called");
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(sent.send_attempts[0].provider.as_str(), "c", "nothing was counted either");
}

#[tokio::test]
async fn a_country_that_the_policy_does_not_serve() {
    let a = carrier("a");
    let mut policy = lenient();
    policy.countries = Some(vec!["US".into()]);
    let world = World::with(&[&a], policy);
    let told = world.client.explain(NewVerification::to(phone()));
    assert_eq!((told.country, told.served), (Some("IN"), false));
    assert_eq!((told.route.is_none(), names(&told).len()), (true, 0));
    let refusal = told.refusal.unwrap();
    let answer = world.send().await.unwrap_err();
    assert_eq!(refusal.to_string(), answer.to_string());
}

#[tokio::test]
async fn a_request_without_a_route_and_one_without_a_provider() {
    let a = carrier("a");
    let mut login = Route::to([id("a")]);
    login.purposes = vec![Purpose::new("login").unwrap()];
    let client = builder(&[&a], lenient(), &std::sync::Arc::default());
    let client = client.routes(Routes::new([login])).build().unwrap();
    let told = client.explain(NewVerification::to(phone()));
    assert!(told.route.is_none());
    assert_eq!(told.refusal.unwrap().kind(), ErrorKind::Unsupported);

    let login = || NewVerification::to(phone()).for_purpose(Purpose::new("login").unwrap());
    let told = client.explain(login().by(Channel::WhatsApp));
    assert_eq!(told.route.unwrap().0, 0);
    assert_eq!(told.skipped[0].reason, SkipReason::Unable(Incompatibility::Channel));
    let answer = client.send(login().by(Channel::WhatsApp)).await.unwrap_err();
    assert_eq!(told.refusal.unwrap().to_string(), answer.to_string());

    let told = client.explain(login().with_code_length(3));
    assert_eq!(told.refusal.unwrap().kind(), ErrorKind::InvalidRequest);
    let mut talkative = login();
    talkative.options.metadata.insert("note".into(), "x".repeat(201));
    let told = client.explain(talkative);
    assert_eq!(told.refusal.unwrap().kind(), ErrorKind::InvalidRequest);
    let told = client.explain(login().with_ttl(Duration::from_hours(9)));
    assert_eq!(told.refusal.unwrap().kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn weights_are_told_and_nothing_is_drawn() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut drawn = Route::to([id("a"), id("b")]);
    drawn.weights = vec![1, 99];
    let client = builder(&[&a, &b], lenient(), &std::sync::Arc::default());
    let client = client.routes(Routes::new([drawn])).build().unwrap();
    for _ in 0..20 {
        let told = client.explain(NewVerification::to(phone()));
        assert_eq!(names(&told), ["a", "b"]);
        assert_eq!(told.candidates[0].reason, Choice::Drawn);
        let weights: Vec<_> = told.candidates.iter().map(|one| one.weight).collect();
        assert_eq!(weights, [Some(1), Some(99)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_comes_last_with_the_reason() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.always(|_, _| Err(down()));
    for _ in 0..5 {
        world.send().await.unwrap();
    }
    let told = world.client.explain(NewVerification::to(phone()));
    assert_eq!(names(&told), ["b", "a"]);
    assert_eq!(told.candidates[1].reason, Choice::LastResort);
    assert!(matches!(told.skipped[0].reason, SkipReason::CircuitOpen(_)));
}

#[tokio::test]
async fn limits_are_those_that_a_send_is_counted_by() {
    let a = carrier("a");
    let mut policy = lenient();
    policy.limits = MessageLimits::default();
    policy.limits.purpose = vec![RateLimit::new(7, Duration::from_mins(1))];
    let world = World::with(&[&a], policy);
    let mut new = NewVerification::to(phone());
    new.options.client.ip = Some([192, 0, 2, 1].into());
    let told = world.client.explain(new);
    let expected = ["recipient", "ip", "purpose", "number_range"];
    assert_eq!(limits(&told), expected);
    assert_eq!(told.limits[2].windows, [RateLimit::new(7, Duration::from_mins(1))]);
}
