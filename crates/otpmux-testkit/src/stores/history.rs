//! Trials of the history of a verification.

use otpmux_core::{ErrorKind, ProviderId, VendorReference};
use otpmux_engine::{
    AttemptEnd, AttemptStarted, AttemptState, RecordOutcome, SendAttempt, Skip, StartAttempt,
    VerificationId, VerificationStore,
};

use super::Store;
use super::records::{after, attempt, begin, end, now, put, read, record};
use super::steps::{begin_at, recorded_at};
use super::whole::{CHOICES, KINDS, skip_reasons};

/// Every kind of skip, each of another provider.
fn skips() -> Vec<Skip> {
    let reasons = skip_reasons().into_iter().enumerate();
    let skip = |(place, reason)| {
        let provider = ProviderId::new(format!("skipped-{place}")).expect("a name");
        Skip { before: u8::try_from(place).expect("few reasons"), provider, reason }
    };
    reasons.map(skip).collect()
}

async fn send_attempts(store: &dyn VerificationStore, id: VerificationId) -> Vec<SendAttempt> {
    read(store, id).await.send_attempts
}

pub(super) async fn skips_come_back_in_order(store: Store) {
    let all = skips();
    let mut first = record(1);
    first.skips = all[..4].to_vec();
    let id = put(&*store, first).await;
    let begin = StartAttempt { skips: all[4..7].to_vec(), ..begin("second") };
    assert_eq!(begin_at(&*store, id, begin, now()).await, AttemptStarted::Started(1));
    let record_outcome = RecordOutcome { skips: all[7..].to_vec(), ..RecordOutcome::default() };
    recorded_at(&*store, id, record_outcome, now()).await;
    assert_eq!(read(&*store, id).await.skips, all);
    // An equal skip is a further one.
    let record_outcome =
        RecordOutcome { skips: vec![all[0].clone(), all[0].clone()], ..RecordOutcome::default() };
    recorded_at(&*store, id, record_outcome, after(300)).await;
    let skips = read(&*store, id).await.skips;
    assert_eq!(skips[all.len()..], [all[0].clone(), all[0].clone()]);
}

pub(super) async fn attempts_come_back_as_they_were_begun(store: Store) {
    let id = put(&*store, record(1)).await;
    let channels = ["sms", "voice", "email", "whatsapp", "smoke-signal", "null"];
    let mut begun = Vec::new();
    for (place, (reason, channel)) in CHOICES.into_iter().zip(channels).enumerate() {
        let mut attempt =
            attempt(&format!("provider-{place}"), place % 2 == 0, AttemptState::Intended);
        attempt.reason = reason;
        attempt.channel = channel.parse().expect("a channel");
        attempt.reference =
            (place % 3 > 0).then(|| VendorReference::new(format!("ref \0 '{place}'")));
        begun.push(attempt.clone());
        let begin = StartAttempt { attempt, ..begin("second") };
        assert_eq!(begin_at(&*store, id, begin, now()).await, AttemptStarted::Started(place + 1));
    }
    let told = |send_attempts: &[SendAttempt]| -> Vec<String> {
        let reference =
            |attempt: &SendAttempt| attempt.reference.as_ref().map(|it| it.as_str().to_owned());
        send_attempts
            .iter()
            .map(|attempt| format!("{attempt:?} {:?}", reference(attempt)))
            .collect()
    };
    assert_eq!(told(&send_attempts(&*store, id).await[1..]), told(&begun));
}

pub(super) async fn several_attempts_end_in_one_step(store: Store) {
    let mut several = record(1);
    several.send_attempts =
        ["a", "b", "c", "d"].map(|name| attempt(name, true, AttemptState::Intended)).into();
    let id = put(&*store, several).await;
    let reference = |text| Some(VendorReference::new(text));
    let ends = vec![
        AttemptEnd { reference: reference("late"), ..end(2, AttemptState::Accepted) },
        end(0, AttemptState::Rejected),
        end(9, AttemptState::Rejected),
        // Given twice: the last one counts.
        AttemptEnd { reference: reference("first word"), ..end(3, AttemptState::Rejected) },
        end(3, AttemptState::Unknown),
    ];
    recorded_at(&*store, id, RecordOutcome { ends, ..RecordOutcome::default() }, now()).await;
    let told = async || -> Vec<_> {
        let send_attempts = send_attempts(&*store, id).await.into_iter();
        send_attempts
            .map(|attempt| {
                let reference = attempt.reference.expect("each has one");
                (attempt.state, attempt.failure, reference.as_str().to_owned())
            })
            .collect()
    };
    let expected = [
        (AttemptState::Rejected, Some(ErrorKind::Unavailable), "a-reference".to_owned()),
        (AttemptState::Intended, None, "b-reference".to_owned()),
        (AttemptState::Accepted, None, "late".to_owned()),
        (AttemptState::Unknown, None, "first word".to_owned()),
    ];
    assert_eq!(told().await, expected);
    // With the next send attempt, too; the ends can refer neither to it nor to an unknown one.
    let ends = vec![
        end(1, AttemptState::Accepted),
        end(4, AttemptState::Accepted),
        end(0, AttemptState::Unknown),
    ];
    let begin = StartAttempt { ends, ..begin("e") };
    assert_eq!(begin_at(&*store, id, begin, now()).await, AttemptStarted::Started(4));
    let states: Vec<_> =
        told().await.into_iter().map(|(state, failure, _)| (state, failure)).collect();
    let (accepted, unknown) = ((AttemptState::Accepted, None), (AttemptState::Unknown, None));
    assert_eq!(states, [unknown, accepted, accepted, unknown, (AttemptState::Intended, None)]);
}

pub(super) async fn an_end_says_why(store: Store) {
    let id = put(&*store, record(1)).await;
    let text = "Ünïcödé \0 \"quoted\" '; --\r\n";
    for failure in KINDS.into_iter().map(Some).chain([None]) {
        let reference = Some(VendorReference::new(text));
        let end = AttemptEnd {
            attempt: 0,
            state: AttemptState::Unknown,
            failure,
            reference,
            vendor: None,
            found_by: None,
        };
        recorded_at(
            &*store,
            id,
            RecordOutcome { ends: vec![end], ..RecordOutcome::default() },
            now(),
        )
        .await;
        let attempt = send_attempts(&*store, id).await.remove(0);
        assert_eq!((attempt.state, attempt.failure), (AttemptState::Unknown, failure));
        assert_eq!(attempt.reference.expect("a reference").as_str(), text);
    }
}
