//! Reports to vendors on how verifications ended whose codes otpmux generated.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Capabilities, Certainty, Channel, Code, Error, ErrorKind, Outcome, Purpose, Sent,
    VendorReference,
};
use otpmux_engine::{Selector, Verification, Verify};
use otpmux_testkit::ScriptedProvider;
use tokio::time::{Instant, timeout};

use crate::world::{World, approves, carrier, error, unknown, vendor, wrong};

/// A provider that carries otpmux's codes and whose vendor wants to know how it ended.
fn curious(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.report = true;
    let provider = Arc::new(ScriptedProvider::new(id, capabilities));
    let reference = VendorReference::new(format!("{id}-reference"));
    provider.sends.always(move |_, _| Ok(Sent::new().with_reference(reference.clone())));
    provider.reports.always(|_, _| Ok(()));
    provider
}

fn last_code(provider: &ScriptedProvider) -> Code {
    provider.otpmux_codes().last().unwrap().parse().unwrap()
}

async fn approve(world: &World, sent: &Verification, provider: &ScriptedProvider) {
    let code = last_code(provider);
    assert!(world.client.verify(sent.id, &code).await.unwrap().is_approved());
}

/// Whether a report comes within ten minutes, by tokio's clock.
async fn comes(provider: &ScriptedProvider, times: usize) -> bool {
    timeout(Duration::from_mins(10), provider.reports.called(times)).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_reported_with_its_code_and_delays_no_caller() {
    let a = curious("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    a.reports.hang();
    let begun = Instant::now();
    approve(&world, &sent, &a).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "the vendor does not answer");
    assert!(comes(&a, 1).await);
    let report = &a.reports.requests()[0];
    assert_eq!(report.outcome, Outcome::Approved);
    assert_eq!(report.code.as_ref().map(Code::expose), Some(last_code(&a).expose()));
    assert_eq!(report.target.recipient, crate::world::phone());
    let reference = report.target.reference.as_ref().map(VendorReference::as_str);
    assert_eq!(reference, Some("a-reference"));
    let keys = [a.sends.contexts(), a.reports.contexts()].map(|it| it[0].idempotency_key);
    assert_eq!(keys[0], keys[1], "under the key of its send");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_reported_without_a_code_and_a_wrong_code_is_not() {
    let a = curious("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    assert_eq!(world.verify(&sent, &wrong(&a.otpmux_codes()[0])).await, "wrong_code");
    assert!(!comes(&a, 1).await);
    assert!(world.client.cancel(sent.id).await.unwrap());
    assert!(comes(&a, 1).await);
    let report = &a.reports.requests()[0];
    assert_eq!((report.outcome, report.code.is_none()), (Outcome::Cancelled, true));
    // A second cancel closes nothing, so there is nothing to report.
    assert!(!world.client.cancel(sent.id).await.unwrap());
    assert!(!comes(&a, 2).await);
}

#[tokio::test(start_paused = true)]
async fn reports_go_only_to_vendors_that_sent_the_code_and_take_them() {
    let (a, b, c) = (curious("a"), carrier("b"), curious("c"));
    a.sends.answer(Err(unknown()));
    let world = World::of(&[&a, &b, &c]);
    let sent = world.send().await.unwrap();
    approve(&world, &sent, &b).await;
    assert!(comes(&a, 1).await, "its message may have gone out");
    assert!(!comes(&b, 1).await, "does not want to know");
    assert!(!comes(&c, 1).await, "has sent nothing");
    assert_eq!(a.reports.requests()[0].target.reference, None);
}

#[tokio::test(start_paused = true)]
async fn a_vendors_own_code_is_not_reported_to_it() {
    let a = vendor("a");
    let b = curious("b");
    approves(&a, "1234");
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    assert_eq!(world.verify(&sent, "1234").await, "approved");
    assert!(!comes(&a, 1).await);
    assert!(!comes(&b, 1).await);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_was_certainly_not_carried_out_is_repeated_within_a_minute() {
    let a = curious("a");
    let refused = |certainty| error(certainty, otpmux_core::Blame::Provider);
    a.reports.answer(Err(refused(Certainty::NotSent)));
    a.reports.answer(Err(refused(Certainty::Rejected)));
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let begun = Instant::now();
    approve(&world, &sent, &a).await;
    assert!(comes(&a, 3).await);
    assert_eq!(begun.elapsed(), Duration::from_secs(3), "after one second, then two");
    assert!(!comes(&a, 4).await);

    // One that is never carried out is given up.
    a.reports.always(|_, _| {
        Err(Error::new(ErrorKind::Unavailable, Certainty::NotSent, otpmux_core::Blame::Provider))
    });
    let sent = world.send().await.unwrap();
    let begun = Instant::now();
    approve(&world, &sent, &a).await;
    assert!(comes(&a, 3 + 6).await);
    assert!(begun.elapsed() < Duration::from_mins(1));
    assert!(!comes(&a, 3 + 7).await);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_may_have_been_carried_out_or_never_will_be_is_not_repeated() {
    for refused in [
        unknown(),
        Error::new(ErrorKind::NotFound, Certainty::Rejected, otpmux_core::Blame::Caller),
        Error::new(ErrorKind::Unsupported, Certainty::NotSent, otpmux_core::Blame::Provider),
    ] {
        let a = curious("a");
        let world = World::of(&[&a]);
        let sent = world.send().await.unwrap();
        a.reports.answer(Err(refused));
        approve(&world, &sent, &a).await;
        assert!(comes(&a, 1).await);
        assert!(!comes(&a, 2).await);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_vendors_only_the_failed_one_gets_the_report_again() {
    let (a, b) = (curious("a"), curious("b"));
    a.sends.answer(Err(unknown()));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    b.reports.answer(Err(error(Certainty::NotSent, otpmux_core::Blame::Provider)));
    approve(&world, &sent, &b).await;
    assert!(comes(&b, 2).await);
    assert!(!comes(&b, 3).await);
    assert_eq!(a.reports.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn many_are_reported_at_once_and_one_that_hangs_holds_none_up() {
    let a = curious("a");
    let world = World::of(&[&a]);
    a.reports.hang();
    for _ in 0..40 {
        let sent = world.send().await.unwrap();
        approve(&world, &sent, &a).await;
    }
    let begun = Instant::now();
    assert!(comes(&a, 40).await);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // After a rest, the next is reported too.
    tokio::time::sleep(Duration::from_mins(5)).await;
    let sent = world.send().await.unwrap();
    approve(&world, &sent, &a).await;
    assert!(comes(&a, 41).await);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_of_a_verify_that_waits_is_reported_once() {
    let a = curious("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    a.reports.answer(Err(error(Certainty::NotSent, otpmux_core::Blame::Provider)));
    let code = last_code(&a);
    for _ in 0..3 {
        let verify = Verify::new().with_idempotency_key("guess");
        assert!(world.client.verify_with(sent.id, &code, verify).await.unwrap().is_approved());
    }
    assert!(comes(&a, 2).await);
    assert!(!comes(&a, 3).await);
}

/// The report needs the id, which only the store knows.
#[tokio::test(start_paused = true)]
async fn an_approval_by_recipient_is_reported() {
    let a = curious("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let which = Selector::recipient(crate::world::phone(), Purpose::default());
    let checked = world.client.check(which, &last_code(&a), Verify::new()).await.unwrap();
    assert_eq!((checked.verdict.is_approved(), checked.id), (true, Some(sent.id)));
    assert!(comes(&a, 1).await);
    assert_eq!(a.reports.requests()[0].outcome, Outcome::Approved);
}
