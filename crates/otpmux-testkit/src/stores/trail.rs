//! How a verification came to be what it is.

use otpmux_core::{ErrorKind, ProviderId, VendorReference};
use otpmux_engine::{
    BeginLeg, Begun, Leg, LegEnd, LegState, Settle, Skip, VerificationId, VerificationStore,
};

use super::Store;
use super::records::{after, begin, end, leg, now, put, read, record};
use super::steps::{begin_at, settle_at};
use super::whole::{CHOICES, KINDS, skip_reasons};

/// Every kind of skip, each by a provider of its own.
fn skips() -> Vec<Skip> {
    let reasons = skip_reasons().into_iter().enumerate();
    let skip = |(place, reason)| {
        let provider = ProviderId::new(format!("skipped-{place}")).expect("a name");
        Skip { before: u8::try_from(place).expect("few reasons"), provider, reason }
    };
    reasons.map(skip).collect()
}

async fn legs(store: &dyn VerificationStore, id: VerificationId) -> Vec<Leg> {
    read(store, id).await.legs
}

pub(super) async fn skips_come_back_in_order(store: Store) {
    let all = skips();
    let mut first = record(1);
    first.skips = all[..4].to_vec();
    let id = put(&*store, first).await;
    let begin = BeginLeg { skips: all[4..7].to_vec(), ..begin("second") };
    assert_eq!(begin_at(&*store, id, begin, now()).await, Begun::Leg(1));
    let settle = Settle { skips: all[7..].to_vec(), ..Settle::default() };
    settle_at(&*store, id, settle, now()).await;
    assert_eq!(read(&*store, id).await.skips, all);
    // The same one again is another one.
    let settle = Settle { skips: vec![all[0].clone(), all[0].clone()], ..Settle::default() };
    settle_at(&*store, id, settle, after(300)).await;
    let skips = read(&*store, id).await.skips;
    assert_eq!(skips[all.len()..], [all[0].clone(), all[0].clone()]);
}

pub(super) async fn legs_come_back_as_they_were_begun(store: Store) {
    let id = put(&*store, record(1)).await;
    let channels = ["sms", "voice", "email", "whatsapp", "smoke-signal", "null"];
    let mut begun = Vec::new();
    for (place, (reason, channel)) in CHOICES.into_iter().zip(channels).enumerate() {
        let mut leg = leg(&format!("provider-{place}"), place % 2 == 0, LegState::Intended);
        leg.reason = reason;
        leg.channel = channel.parse().expect("a channel");
        leg.reference = (place % 3 > 0).then(|| VendorReference::new(format!("ref \0 '{place}'")));
        begun.push(leg.clone());
        let begin = BeginLeg { leg, ..begin("second") };
        assert_eq!(begin_at(&*store, id, begin, now()).await, Begun::Leg(place + 1));
    }
    let told = |legs: &[Leg]| -> Vec<String> {
        let reference = |leg: &Leg| leg.reference.as_ref().map(|it| it.as_str().to_owned());
        legs.iter().map(|leg| format!("{leg:?} {:?}", reference(leg))).collect()
    };
    assert_eq!(told(&legs(&*store, id).await[1..]), told(&begun));
}

pub(super) async fn several_legs_end_in_one_step(store: Store) {
    let mut several = record(1);
    several.legs = ["a", "b", "c", "d"].map(|name| leg(name, true, LegState::Intended)).into();
    let id = put(&*store, several).await;
    let reference = |text| Some(VendorReference::new(text));
    let ends = vec![
        LegEnd { reference: reference("late"), ..end(2, LegState::Accepted) },
        end(0, LegState::Refused),
        end(9, LegState::Refused),
        // Said twice: the last word counts.
        LegEnd { reference: reference("first word"), ..end(3, LegState::Refused) },
        end(3, LegState::Unknown),
    ];
    settle_at(&*store, id, Settle { ends, ..Settle::default() }, now()).await;
    let told = async || -> Vec<_> {
        let legs = legs(&*store, id).await.into_iter();
        legs.map(|leg| {
            let reference = leg.reference.expect("each has one");
            (leg.state, leg.failure, reference.as_str().to_owned())
        })
        .collect()
    };
    let expected = [
        (LegState::Refused, Some(ErrorKind::Unavailable), "a-reference".to_owned()),
        (LegState::Intended, None, "b-reference".to_owned()),
        (LegState::Accepted, None, "late".to_owned()),
        (LegState::Unknown, None, "first word".to_owned()),
    ];
    assert_eq!(told().await, expected);
    // With the next leg, too; and the ends can name neither it nor what is not there.
    let ends =
        vec![end(1, LegState::Accepted), end(4, LegState::Accepted), end(0, LegState::Unknown)];
    let begin = BeginLeg { ends, ..begin("e") };
    assert_eq!(begin_at(&*store, id, begin, now()).await, Begun::Leg(4));
    let states: Vec<_> =
        told().await.into_iter().map(|(state, failure, _)| (state, failure)).collect();
    let (accepted, unknown) = ((LegState::Accepted, None), (LegState::Unknown, None));
    assert_eq!(states, [unknown, accepted, accepted, unknown, (LegState::Intended, None)]);
}

pub(super) async fn an_end_says_why(store: Store) {
    let id = put(&*store, record(1)).await;
    let text = "Ünïcödé \0 \"quoted\" '; --\r\n";
    for failure in KINDS.into_iter().map(Some).chain([None]) {
        let reference = Some(VendorReference::new(text));
        let end = LegEnd { leg: 0, state: LegState::Unknown, failure, reference, vendor: None };
        settle_at(&*store, id, Settle { ends: vec![end], ..Settle::default() }, now()).await;
        let leg = legs(&*store, id).await.remove(0);
        assert_eq!((leg.state, leg.failure), (LegState::Unknown, failure));
        assert_eq!(leg.reference.expect("a reference").as_str(), text);
    }
}
