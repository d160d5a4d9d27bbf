//! Rules that must hold on every path: random providers with random outcomes, a store that is used
//! through the public client only, and a clock that moves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Error, ErrorKind, IdempotencyKey, Sent,
    VendorReference, Verdict,
};
use otpmux_engine::{AttemptState, NewVerification, Resend, Verification};
use otpmux_testkit::ScriptedProvider;
use proptest::prelude::*;

use crate::world::{World, lenient, phone, wrong};

/// The result of one send at a provider; `None` accepts it.
type Outcome = Option<(Certainty, Blame)>;

#[derive(Clone, Copy, Debug)]
struct Kind {
    otpmux_code: bool,
    idempotent: bool,
}

#[derive(Clone, Debug)]
enum Action {
    Send,
    Resend,
    Right,
    Wrong,
    Cancel,
    Wait(u64),
}

/// One call that reached a provider.
#[derive(Clone, Debug)]
struct Call {
    operation: usize,
    provider: usize,
    key: IdempotencyKey,
    code: Option<String>,
    outcome: Outcome,
}

#[derive(Default)]
struct Journal {
    operation: usize,
    outcomes: VecDeque<Outcome>,
    calls: Vec<Call>,
}

impl Call {
    fn may_have_sent(&self) -> bool {
        matches!(self.outcome, None | Some((Certainty::Unknown, _)))
    }
}

fn provider(at: usize, kind: Kind, journal: &Arc<Mutex<Journal>>) -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Sms]);
    let mut capabilities = if kind.otpmux_code {
        capabilities.with_otpmux_codes(4..=10)
    } else {
        capabilities.with_vendor_codes(None)
    };
    capabilities.idempotent = kind.idempotent;
    let provider = Arc::new(ScriptedProvider::new(&format!("p{at}"), capabilities));
    let journal = Arc::clone(journal);
    provider.sends.always(move |cx, request| {
        let mut journal = journal.lock().unwrap();
        let outcome = journal.outcomes.pop_front().unwrap_or(None);
        let call = Call {
            operation: journal.operation,
            provider: at,
            key: cx.idempotency_key,
            code: request.code.otpmux_code().map(|code| code.expose().to_owned()),
            outcome,
        };
        journal.calls.push(call);
        match outcome {
            None => Ok(Sent::new().with_reference(VendorReference::new(format!("v{at}")))),
            Some((certainty, blame)) => Err(Error::new(ErrorKind::Unavailable, certainty, blame)),
        }
    });
    // A careless vendor approves every code, every time.
    provider.verifies.always(|_, _| Ok(Verdict::Approved));
    provider
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let certainty = prop_oneof![
        1 => Just(Certainty::NotSent),
        1 => Just(Certainty::Rejected),
        2 => Just(Certainty::Unknown)
    ];
    let blame = prop_oneof![
        6 => Just(Blame::Provider),
        1 => Just(Blame::Policy),
        1 => Just(Blame::Recipient),
        1 => Just(Blame::Caller),
        1 => Just(Blame::Internal)
    ];
    prop_oneof![1 => Just(None), 3 => (certainty, blame).prop_map(Some)]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => Just(Action::Send),
        3 => Just(Action::Resend),
        2 => Just(Action::Right),
        2 => Just(Action::Wrong),
        1 => Just(Action::Cancel),
        2 => (0u64..400).prop_map(Action::Wait),
    ]
}

/// Checks the calls of one send or resend against the rules.
fn check_operation(
    calls: &[Call],
    kinds: &[Kind],
    duplicates: u32,
    result: &Result<Verification, Error>,
) -> Result<(), TestCaseError> {
    for (i, call) in calls.iter().enumerate() {
        let later = &calls[i + 1..];
        let kind = kinds[call.provider];
        if call.outcome.is_some_and(|(certainty, _)| certainty == Certainty::Unknown) {
            let again = later.iter().filter(|next| next.provider == call.provider);
            for next in again {
                prop_assert!(kind.idempotent, "rule 1: sent again after unknown");
                prop_assert_eq!(next.key, call.key, "and under another key");
            }
        }
        if call.outcome.is_some_and(|(_, blame)| blame != Blame::Provider) {
            let elsewhere = later.iter().any(|next| next.provider != call.provider);
            prop_assert!(!elsewhere, "rule 3: another vendor after {:?}", call.outcome);
        }
        if call.outcome.is_none() {
            prop_assert!(later.is_empty(), "sent again after success");
        }
    }
    let mut send_attempts: Vec<_> = calls.iter().filter(|call| call.may_have_sent()).collect();
    send_attempts.dedup_by_key(|call| call.key);
    prop_assert!(
        send_attempts.len() <= 1 + duplicates as usize,
        "rule 2: {} messages",
        send_attempts.len()
    );
    let same = send_attempts.iter().all(|call| call.code == send_attempts[0].code);
    prop_assert!(
        same && (send_attempts.len() < 2 || send_attempts[0].code.is_some()),
        "two different codes"
    );
    match result {
        Ok(sent) => {
            prop_assert!(!send_attempts.is_empty(), "called sent, and nothing was");
            let accepted = calls.last().is_some_and(|call| call.outcome.is_none());
            prop_assert_eq!(sent.confirmed, accepted);
            for (attempt, call) in sent.send_attempts.iter().rev().zip(send_attempts.iter().rev()) {
                prop_assert!(attempt.state != AttemptState::Intended || call.may_have_sent());
            }
        }
        Err(error) => prop_assert!(send_attempts.is_empty(), "lost without a report: {error}"),
    }
    Ok(())
}

async fn play(
    kinds: Vec<Kind>,
    duplicates: u32,
    outcomes: Vec<Outcome>,
    actions: Vec<Action>,
) -> Result<(), TestCaseError> {
    let journal = Arc::new(Mutex::new(Journal::default()));
    journal.lock().unwrap().outcomes = outcomes.into();
    let providers: Vec<_> =
        kinds.iter().enumerate().map(|(at, kind)| provider(at, *kind, &journal)).collect();
    let mut policy = lenient();
    policy.max_duplicates = duplicates;
    let world = World::with(&providers.iter().collect::<Vec<_>>(), policy);
    let mut live: Option<Live> = None;
    for (operation, action) in actions.into_iter().enumerate() {
        journal.lock().unwrap().operation = operation;
        let calls = || -> Vec<Call> {
            let journal = journal.lock().unwrap();
            journal.calls.iter().filter(|call| call.operation == operation).cloned().collect()
        };
        match action {
            Action::Send => {
                let result = world.client.send(NewVerification::to(phone())).await;
                let calls = calls();
                check_operation(&calls, &kinds, duplicates, &result)?;
                live = result.ok().map(|sent| Live::new(sent, &calls));
            }
            Action::Resend => {
                let Some(live) = &mut live else { continue };
                let result = world.client.resend(live.sent.id, Resend::new()).await;
                let calls = calls();
                check_operation(&calls, &kinds, duplicates, &result)?;
                if let Ok(again) = &result {
                    live.check_new_code(again, &calls)?;
                }
                prop_assert!(calls.is_empty() || !live.over, "sent for what is over");
                live.note(&calls)?;
            }
            Action::Right => {
                let Some(live) = &mut live else { continue };
                // A vendor's code is not known here; the careless vendor approves any.
                let code = live.code.clone().unwrap_or_else(|| "111111".to_owned());
                live.verify(&world, &code).await?;
            }
            Action::Wrong => {
                let Some(live) = &mut live else { continue };
                let code = live.code.as_deref().map_or_else(|| "222222".to_owned(), wrong);
                live.verify(&world, &code).await?;
            }
            Action::Cancel => {
                let Some(live) = &mut live else { continue };
                world.client.cancel(live.sent.id).await.unwrap();
                live.over = true;
            }
            Action::Wait(seconds) => world.advance(seconds),
        }
    }
    Ok(())
}

/// The newest verification, as an outside observer sees it.
struct Live {
    sent: Verification,
    code: Option<String>,
    vendor_code_out: bool,
    tries: u32,
    approvals: u32,
    over: bool,
}

impl Live {
    fn new(sent: Verification, calls: &[Call]) -> Self {
        let mut live =
            Self { sent, code: None, vendor_code_out: false, tries: 0, approvals: 0, over: false };
        let _ = live.note(calls);
        live
    }

    fn note(&mut self, calls: &[Call]) -> Result<(), TestCaseError> {
        for call in calls.iter().filter(|call| call.may_have_sent()) {
            match (&call.code, &self.code) {
                (Some(new), Some(old)) => {
                    prop_assert_eq!(new, old, "one code for all send attempts");
                }
                (Some(new), None) => self.code = Some(new.clone()),
                (None, _) => self.vendor_code_out = true,
            }
        }
        Ok(())
    }

    /// Checks the reported state of the newest message's code against all messages.
    fn check_new_code(&self, again: &Verification, calls: &[Call]) -> Result<(), TestCaseError> {
        let mut out: Vec<_> = calls.iter().filter(|call| call.may_have_sent()).collect();
        out.dedup_by_key(|call| call.key);
        let Some((newest, before)) = out.split_last() else { return Ok(()) };
        let ours = self.code.is_some() || before.iter().any(|call| call.code.is_some());
        let any = ours || self.vendor_code_out || !before.is_empty();
        let expected = any && (newest.code.is_none() || !ours);
        prop_assert_eq!(again.new_code, expected, "a user with another code must learn it");
        Ok(())
    }

    async fn verify(&mut self, world: &World, code: &str) -> Result<(), TestCaseError> {
        let expired = otpmux_core::Clock::now(&*world.clock) >= self.sent.expires_at;
        let verdict = world.verify(&self.sent, code).await;
        let right = self.code.as_deref() == Some(code) || self.vendor_code_out;
        if matches!(verdict, "approved" | "wrong_code") {
            self.tries += 1;
        }
        prop_assert!(self.tries <= 5, "rule 5: a sixth code was looked at");
        if verdict == "approved" {
            self.approvals += 1;
            prop_assert!(right, "a wrong code was approved");
            prop_assert!(!self.over && !expired, "approved what is over");
            self.over = true;
        }
        prop_assert!(self.approvals <= 1, "rule 4: approved twice");
        if right && !self.over && !expired && self.tries < 5 {
            prop_assert_eq!(verdict, "approved", "a right code was refused");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_rules_hold_on_every_path(
        kinds in prop::collection::vec(
            any::<(bool, bool)>().prop_map(|(s, idempotent)| Kind { otpmux_code: s, idempotent }),
            1..4,
        ),
        duplicates in 0u32..3,
        outcomes in prop::collection::vec(outcome(), 0..12),
        actions in prop::collection::vec(action(), 1..16),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(kinds, duplicates, outcomes, actions))?;
    }
}
