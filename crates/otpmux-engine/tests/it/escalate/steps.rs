//! A step: when it begins, who sends it, and what it sends.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Capabilities, Channel, Clock as _, Code, Delivery, ErrorKind, RateLimit, VendorReference,
};
use otpmux_engine::{Choice, EscalationStep, NewDelivery, NewVerification, Resend};
use otpmux_testkit::ScriptedProvider;

use super::{World, attempt, by, codes, next, receipt, reporter, routes};
use crate::world::{approves, builder, carrier, down, keys, lenient, phone, unknown, wrong};

#[tokio::test]
async fn each_step_sends_the_same_code_once_in_its_time() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b], &[next(30), by(Channel::Voice, 60)]);
    let sent = world.send().await;
    assert_eq!(sent.next_step_at, Some(world.clock.now() + Duration::from_secs(30)));
    assert_eq!(world.later(29).await, 0);
    assert_eq!(world.later(1).await, 1);
    assert_eq!((a.count(), b.count()), (1, 1));
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!(status.next_step_at, Some(world.clock.now() + Duration::from_secs(60)));
    assert_eq!(world.later(59).await, 0);
    assert_eq!(world.later(1).await, 1);
    assert_eq!(
        world.reasons(&sent).await,
        [
            attempt("a", Choice::Preferred, Channel::Sms),
            attempt("b", Choice::Escalation, Channel::Sms),
            attempt("a", Choice::Escalation, Channel::Voice),
        ]
    );
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!((status.next_step_at, status.new_code), (None, false));
    assert_eq!(world.later(200).await, 0, "no step is left");
    let all = [codes(&a), codes(&b)].concat();
    assert!(all.iter().all(|code| *code == all[0]), "{all:?}");
    assert_eq!(world.verify(&sent, &all[0]).await, "approved");
}

#[tokio::test]
async fn a_user_who_has_the_message_gets_no_other() {
    for what in ["wrong", "right", "cancel", "resend", "newer"] {
        let (a, b) = (carrier("a"), carrier("b"));
        let world = World::of(&[&a, &b], &[next(60)]);
        let sent = world.send().await;
        let code = codes(&a)[0].clone();
        world.clock.advance(Duration::from_secs(31));
        match what {
            "wrong" => assert_eq!(world.verify(&sent, &wrong(&code)).await, "wrong_code"),
            "right" => assert_eq!(world.verify(&sent, &code).await, "approved"),
            "cancel" => assert!(world.client.cancel(sent.id).await.unwrap()),
            "resend" => {
                let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
                assert_eq!(again.next_step_at, None);
            }
            _ => {
                world.send().await;
            }
        }
        let before = (a.count(), b.count());
        assert_eq!(world.client.status(sent.id).await.unwrap().next_step_at, None, "{what}");
        world.later(30).await;
        assert_eq!((a.count(), b.count()), before, "after {what}");
    }
}

#[tokio::test]
async fn a_request_may_say_that_nothing_escalates_and_a_delivery_never_does() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b], &[next(30)]);
    let mut new = NewVerification::to(phone());
    new.escalate = false;
    let sent = world.client.send(new).await.unwrap();
    assert_eq!(sent.next_step_at, None);
    let code = Code::given("471147").unwrap();
    world.client.deliver(NewDelivery::of(code, phone())).await.unwrap();
    assert_eq!(world.later(30).await, 0);
    assert_eq!(b.count(), 0);
}

#[tokio::test]
async fn a_request_may_have_its_own_steps_where_they_are_allowed() {
    let own = || {
        let mut new = NewVerification::to(phone()).with_idempotency_key("k");
        new.steps = vec![by(Channel::Voice, 15), next(20)];
        new
    };
    for of_route in [Vec::new(), vec![next(30)]] {
        let (a, b) = (carrier("a"), carrier("b"));
        let mut world = World::of(&[&a, &b], &of_route);
        let refused = world.client.send(own()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidRequest);
        world.client = builder(&[&a, &b], lenient(), &world.clock)
            .routes(routes(&[&a, &b], &of_route))
            .store(Arc::clone(&world.store), keys())
            .request_steps(true)
            .build()
            .unwrap();
        let sent = world.client.send(own()).await.unwrap();
        assert_eq!(sent.next_step_at, Some(world.clock.now() + Duration::from_secs(15)));
        let mut other = own();
        other.steps[0].after = Duration::from_secs(16);
        let reused = world.client.send(other).await.unwrap_err();
        assert_eq!(reused.kind(), ErrorKind::KeyReused);
        assert_eq!(world.client.send(own()).await.unwrap().id, sent.id);
        assert_eq!(world.later(15).await, 1);
        assert_eq!(world.later(20).await, 1);
        assert_eq!(world.later(200).await, 0);
        let reasons = world.reasons(&sent).await;
        assert_eq!(reasons[1].1, Choice::Escalation);
        assert_eq!(reasons[1].2, Channel::Voice);
        let all = [codes(&a), codes(&b)].concat();
        assert!(all.iter().all(|code| *code == all[0]), "{all:?}");
        for wrong in [vec![next(9)], vec![next(10); 4]] {
            let mut new = NewVerification::to(phone());
            new.steps = wrong;
            let refused = world.client.send(new).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidRequest, "{refused}");
        }
    }
}

#[tokio::test]
async fn a_route_without_steps_and_a_code_that_expires_soon_make_nothing_due() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b], &[]);
    assert_eq!(world.send().await.next_step_at, None);
    let world = World::of(&[&a, &b], &[next(30), next(60)]);
    let mut new = NewVerification::to(phone());
    new.options.ttl = Some(Duration::from_secs(95));
    let sent = world.client.send(new).await.unwrap();
    assert!(sent.next_step_at.is_some());
    assert_eq!(world.later(30).await, 1);
    let status = world.client.status(sent.id).await.unwrap();
    assert_eq!(status.next_step_at, None, "less than a minute would be left");
}

#[tokio::test]
async fn a_message_that_certainly_did_not_arrive_is_followed_at_once() {
    let failed = |provider: &ScriptedProvider, blame| {
        receipt(provider, Delivery::Failed).with_failure(blame, "not delivered")
    };
    for (blame, step, at_once) in [
        (Blame::Provider, next(60), true),
        (Blame::Provider, by(Channel::Voice, 60), true),
        // Another provider reaches no more than this one.
        (Blame::Recipient, next(60), false),
        (Blame::Recipient, by(Channel::Voice, 60), true),
    ] {
        let (a, b) = (reporter("a"), reporter("b"));
        let world = World::of(&[&a, &b], std::slice::from_ref(&step));
        let sent = world.send().await;
        world.clock.advance(Duration::from_secs(4));
        let mut weak = receipt(&a, Delivery::Failed);
        weak.is_final = false;
        world.report(&a, weak).await;
        assert_eq!(world.later(0).await, 0, "its vendor may still deliver it");
        world.report(&a, failed(&a, blame)).await;
        assert_eq!(world.later(0).await, usize::from(at_once), "{blame:?}, {step}");
        assert_eq!(b.count(), usize::from(at_once));
        if !at_once {
            assert_eq!(world.later(56).await, 1, "its own time remains");
        }
        assert_eq!(world.client.status(sent.id).await.unwrap().send_attempts.len(), 2);
    }
}

#[tokio::test]
async fn a_message_that_was_delivered_doubles_the_wait() {
    let (a, b) = (reporter("a"), reporter("b"));
    let world = World::of(&[&a, &b], &[next(30)]);
    world.send().await;
    world.clock.advance(Duration::from_secs(3));
    world.report(&a, receipt(&a, Delivery::Delivered)).await;
    assert_eq!(world.later(27).await, 1);
    assert_eq!(b.count(), 0, "it waits once more");
    assert_eq!(world.later(29).await, 0);
    assert_eq!(world.later(1).await, 1);
    assert_eq!(b.count(), 1);
}

#[tokio::test]
async fn a_step_without_room_is_passed_over_and_the_next_has_its_time() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut policy = lenient();
    policy.limits.recipient = vec![RateLimit::new(1, Duration::from_secs(60))];
    let world = World::with(&[&a, &b], &[next(30), by(Channel::Voice, 60)], policy);
    let sent = world.send().await;
    assert_eq!(world.later(30).await, 1);
    assert_eq!(b.count(), 0);
    let status = world.client.status(sent.id).await.unwrap();
    let skipped: Vec<_> =
        status.skipped.iter().map(|it| (it.provider.as_str(), it.reason.as_str())).collect();
    assert_eq!(skipped, [("b", "rate_limited")]);
    assert_eq!(world.later(60).await, 1);
    assert_eq!((a.count(), b.count()), (1, 1), "by voice; nothing was counted before");
    // And it counts itself.
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap_err();
    assert_eq!(again.limit(), Some("recipient"));
}

#[tokio::test]
async fn a_provider_of_unknown_outcome_gets_no_further_message() {
    let a = carrier("a");
    a.sends.answer(Err(unknown()));
    let world = World::of(&[&a], &[by(Channel::Voice, 30)]);
    let sent = world.send().await;
    assert!(!sent.confirmed);
    assert_eq!(world.later(30).await, 1);
    assert_eq!(a.count(), 1);
    assert_eq!(world.client.status(sent.id).await.unwrap().next_step_at, None);
}

#[tokio::test]
async fn a_step_goes_on_to_its_next_provider_within_the_duplicates_of_one_send() {
    let (a, b, c) = (carrier("a"), carrier("b"), carrier("c"));
    let world = World::of(&[&a, &b, &c], &[next(30)]);
    let sent = world.send().await;
    b.sends.answer(Err(down()));
    assert_eq!(world.later(30).await, 1);
    assert_eq!(
        world.reasons(&sent).await[1..],
        [
            attempt("b", Choice::Escalation, Channel::Sms),
            attempt("c", Choice::Failover, Channel::Sms),
        ]
    );
    let all = [codes(&a), codes(&b), codes(&c)].concat();
    assert!(all.iter().all(|code| *code == all[0]), "{all:?}");
}

#[tokio::test]
async fn a_vendors_code_is_repeated_by_that_vendor_or_not_at_all() {
    let vendor = |resend| {
        let mut capabilities =
            Capabilities::new([Channel::Sms, Channel::Voice]).with_vendor_codes(Some(4..=8));
        capabilities.resend = resend;
        let provider = Arc::new(ScriptedProvider::new("v", capabilities));
        let reference = VendorReference::new("v-1");
        let sent =
            move |_: &_, _: &_| Ok(otpmux_core::Sent::new().with_reference(reference.clone()));
        provider.sends.always(sent);
        approves(&provider, "4711");
        provider
    };
    for resends in [true, false] {
        let (v, b) = (vendor(resends), carrier("b"));
        let world = World::of(&[&v, &b], &[by(Channel::Voice, 30)]);
        v.resends.always(|_, _| Ok(otpmux_core::Sent::new()));
        let sent = world.send().await;
        assert_eq!(world.later(30).await, 1);
        assert_eq!(v.resends.requests().len(), usize::from(resends));
        assert_eq!((v.sends.requests().len(), b.sends.requests().len()), (1, 0));
        assert_eq!(world.verify(&sent, "4711").await, "approved");
    }
}

#[tokio::test]
async fn mistakes_in_steps_are_refused_when_a_client_is_built() {
    let (a, b) = (carrier("a"), carrier("b"));
    let built = |steps: &[EscalationStep]| {
        let routes = routes(&[&a, &b], steps);
        let built = builder(&[&a, &b], lenient(), &Arc::default()).routes(routes).build();
        built.map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert_eq!(built(&[next(30), next(60), by(Channel::Voice, 120)]), "");
    assert!(built(&[next(30), next(211)]).contains("escalate[1]: begins 241s after the send"));
    let told = built(&[by(Channel::WhatsApp, 30)]);
    assert!(told.contains("none of this route's providers sends by whatsapp"), "{told}");
}
