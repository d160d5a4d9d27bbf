//! Trials that records are kept to the last byte.

use std::fmt::Write;

use otpmux_core::{Channel, Delivery, ErrorKind, Incompatibility, VendorReference};
use otpmux_engine::{
    AttemptState, Choice, IdempotencyRecord, Record, Sealed, Skip, SkipReason, State, VendorTerms,
    VerificationId,
};

use super::Store;
use super::receipts::mark;
use super::records::{
    after, after_ms, attempt, awkward_bits, now, purpose, put, read, record, signed,
};
use super::steps::{approve_at, cancel_at, load_at};

/// Returns every field of a record as text, including those that its `Debug` hides. A store need not
/// keep the code of an approved record.
pub(super) fn spelled(record: &Record) -> String {
    let mut record = record.clone();
    record.code = record.code.filter(|_| record.state != State::Approved);
    let Record { recipient, code, sealed, send_attempts, .. } = &record;
    let mut text = format!("{record:?}\nrecipient {:x?}", recipient.0);
    let references: Vec<_> = send_attempts
        .iter()
        .map(|attempt| attempt.reference.as_ref().map(VendorReference::as_str))
        .collect();
    let mac =
        code.as_ref().map(|code| (&code.key, code.by_id, code.by_recipient, code.by_external));
    write!(text, "\ncode {mac:x?}\nsealed {:x?}\nreferences {references:?}", sealed.bytes)
        .expect("a text takes everything");
    text
}

pub(super) const KINDS: [ErrorKind; 19] = [
    ErrorKind::InvalidRequest,
    ErrorKind::InvalidRecipient,
    ErrorKind::Unsupported,
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::KeyReused,
    ErrorKind::Unauthenticated,
    ErrorKind::Forbidden,
    ErrorKind::InsufficientFunds,
    ErrorKind::RateLimited,
    ErrorKind::FraudSuspected,
    ErrorKind::Unavailable,
    ErrorKind::Timeout,
    ErrorKind::Transport,
    ErrorKind::Protocol,
    ErrorKind::CircuitOpen,
    ErrorKind::Store,
    ErrorKind::Configuration,
    ErrorKind::Internal,
];

pub(super) const CHOICES: [Choice; 7] = [
    Choice::Preferred,
    Choice::Drawn,
    Choice::Failover,
    Choice::Hedge,
    Choice::Resend,
    Choice::Escalation,
    Choice::LastResort,
];

pub(super) const STATES: [AttemptState; 5] = [
    AttemptState::Intended,
    AttemptState::Accepted,
    AttemptState::NotSent,
    AttemptState::Rejected,
    AttemptState::Unknown,
];

pub(super) fn skip_reasons() -> Vec<SkipReason> {
    use Incompatibility::{
        Channel, CodeLength, LettersInCode, OtpmuxCode, Recipient, Ttl, VendorCode,
    };
    let lacks = [Channel, Recipient, OtpmuxCode, VendorCode, CodeLength, LettersInCode, Ttl];
    let open = [1, 999, 1_000, 86_399_999].map(|ms| SkipReason::CircuitOpen(after_ms(ms)));
    let others = [SkipReason::Limit, SkipReason::OtherCode];
    lacks.map(SkipReason::Unable).into_iter().chain(open).chain(others).collect()
}

/// Texts that a store might handle wrongly.
fn texts() -> Vec<String> {
    let plain = [
        "",
        " ",
        "0",
        "null",
        "None",
        "-",
        ":",
        "{tag}",
        "a\0b",
        "\0",
        "'; drop table send_attempts; --",
        "\"quoted\" \\ back\\\\slash",
        "line\nfeed\r\n\ttab",
        "Ünïcödé – 验证码 – 🔑",
        "\u{feff}bom",
        "\u{202e}right to left",
        "%s %n ${x} $1 ?1 :name",
        "+OK\r\n$-1\r\n*0\r\n",
        "\u{10ffff}\u{7f}",
    ];
    let long = (0..4_096_u32).filter_map(|at| char::from_u32(at % 0x300)).collect();
    plain.map(str::to_owned).into_iter().chain([long]).collect()
}

/// A record with every part.
fn full() -> Record {
    let mut full = record(1);
    full.guesses = 2;
    full.resends = 1;
    full.resend_after = after_ms(30_001);
    full.expires_at = after_ms(300_999);
    full.request = Some(Box::new(IdempotencyRecord { name: [0; 16], content: [0xff; 16] }));
    full.external = Some(full.id.to_bytes());
    full = signed(full);
    full.send_attempts.clear();
    for (place, reason) in CHOICES.into_iter().enumerate() {
        let mut attempt = attempt(&format!("provider-{place}"), place % 2 == 0, STATES[place % 5]);
        attempt.reason = reason;
        full.send_attempts.push(attempt);
    }
    let channels = ["sms", "voice", "email", "whatsapp", "carrier_pigeon-2", "null"];
    for (attempt, channel) in full.send_attempts.iter_mut().zip(channels) {
        attempt.channel = channel.parse().expect("a channel");
    }
    assert!(matches!(full.send_attempts[5].channel, Channel::Other(_)));
    full.send_attempts[2].reference = None;
    full.send_attempts[1].vendor = Some(Box::new(VendorTerms::default()));
    full.send_attempts[3].vendor = Some(Box::new(VendorTerms {
        code_length: Some(u8::MAX),
        repeats: true,
        expires_at: Some(after_ms(60_001)),
        max_guesses: Some(u32::MAX),
    }));
    full.send_attempts[0].delivery = Some(mark(Delivery::Delivered, 7, true));
    full.send_attempts[4].delivery = Some(mark(Delivery::Accepted, 0, false));
    for (before, reason) in (0..).zip(skip_reasons()) {
        let provider = full.send_attempts[usize::from(before) % 6].provider.clone();
        full.skips.push(Skip { before, provider, reason });
    }
    full.skips[0].before = u8::MAX;
    full
}

async fn comes_back(store: &Store, record: Record) {
    let id = put(&**store, record.clone()).await;
    let back = read(&**store, id).await;
    // The store finds the superseded one itself.
    let told = spelled(&Record { supersedes: back.supersedes, ..record });
    assert_eq!(spelled(&back), told);
}

pub(super) async fn a_record_comes_back_as_it_went_in(store: Store) {
    comes_back(&store, full()).await;
    let empty = Record {
        code: None,
        code_length: None,
        send_attempts: Vec::new(),
        skips: Vec::new(),
        request: None,
        ..full()
    };
    comes_back(&store, empty).await;
    let largest = Record {
        guesses: u32::MAX,
        max_guesses: u32::MAX,
        resends: u32::MAX,
        code_length: Some(u8::MAX),
        request: None,
        ..full()
    };
    comes_back(&store, largest).await;
    let none = Record {
        guesses: 0,
        max_guesses: 0,
        resends: 0,
        code_length: Some(0),
        resend_after: now(),
        request: None,
        ..full()
    };
    comes_back(&store, none).await;
    for id in awkward_bits() {
        let id = VerificationId::from_bytes(id);
        comes_back(&store, Record { id, purpose: purpose("a-_9"), ..record(2) }).await;
    }
}

pub(super) async fn every_text_comes_back_as_it_went_in(store: Store) {
    let mut record = record(1);
    let one = record.send_attempts[0].clone();
    record.send_attempts = texts()
        .into_iter()
        .map(|text| {
            let mut attempt = one.clone();
            attempt.reference = Some(VendorReference::new(text));
            attempt
        })
        .collect();
    comes_back(&store, record).await;
}

pub(super) async fn every_byte_comes_back_as_it_went_in(store: Store) {
    for length in [0, 1, 255, 4_096] {
        let bytes: Vec<u8> = (0..=u8::MAX).rev().cycle().take(length).collect();
        let sealed = Sealed { key: "a key's \"name\"\0".into(), bytes: bytes.into() };
        let mut record = Record { sealed, ..record(1) };
        record.recipient.0 = [[0, 0xff, b'\n', b'\''], [0x80, 0xc3, 0x28, 0]]
            .concat()
            .repeat(4)
            .try_into()
            .expect("32 bytes");
        let code = record.code.as_mut().expect("a code");
        (code.by_id, code.by_recipient) = ([b'\n'; 16], [0xff; 16]);
        code.key = "".into();
        comes_back(&store, record).await;
    }
}

pub(super) async fn every_failure_comes_back_as_it_went_in(store: Store) {
    let mut record = record(1);
    record.send_attempts = KINDS
        .into_iter()
        .map(Some)
        .chain([None])
        .map(|failure| otpmux_engine::SendAttempt {
            failure,
            ..attempt("primary", true, AttemptState::Rejected)
        })
        .collect();
    comes_back(&store, record).await;
}

pub(super) async fn an_ended_record_comes_back_as_it_was(store: Store) {
    let (cancelled, used) = (full(), Record { request: None, ..full() });
    let used = Record { purpose: purpose("payment"), ..used };
    let expected = [
        spelled(&Record { state: State::Closed, ..cancelled.clone() }),
        spelled(&Record { state: State::Approved, ..used.clone() }),
    ];
    let ids = [put(&*store, cancelled).await, put(&*store, used).await];
    assert!(cancel_at(&*store, ids[0], now()).await);
    assert!(approve_at(&*store, ids[1], now()).await.is_approved());
    for (id, expected) in ids.into_iter().zip(expected) {
        let back = load_at(&*store, id, after(600)).await.expect("a record");
        assert_eq!(spelled(&back), expected);
    }
}
