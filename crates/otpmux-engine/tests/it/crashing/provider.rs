use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{
    Blame, Cancellation, Capabilities, Certainty, Channel, Context, Delivery, Error, ErrorKind,
    OtpProvider, ProviderId, ResendRequest, SendRequest, Sent, Status, Target, VendorReference,
    Verdict, VerifyRequest,
};
use proptest::prelude::*;

use super::journal::Journal;

/// The result of one send at a provider; `None` accepts it.
pub(super) type Outcome = Option<(Certainty, Blame)>;

#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) otpmux_code: bool,
    pub(super) idempotent: bool,
    /// It finds its messages by otpmux's key.
    pub(super) finds: bool,
    pub(super) resends: bool,
}

/// The result of the next call, of any kind.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    outcome: Outcome,
    kind: ErrorKind,
    retry_after: Option<u64>,
    delay: u64,
    verdict: Verdict,
    delivery: Delivery,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            outcome: None,
            kind: ErrorKind::Unavailable,
            retry_after: None,
            delay: 0,
            verdict: Verdict::Approved,
            delivery: Delivery::Sent,
        }
    }
}

impl Turn {
    fn error(&self) -> Option<Error> {
        let (certainty, blame) = self.outcome?;
        let error = Error::new(self.kind, certainty, blame);
        let after = |error: Error, seconds| error.with_retry_after(Duration::from_secs(seconds));
        Some(match self.retry_after {
            Some(seconds) => after(error, seconds),
            None => error,
        })
    }

    async fn pause(&self) {
        if self.delay > 0 {
            tokio::time::sleep(Duration::from_millis(self.delay)).await;
        }
    }
}

pub(super) fn kind() -> impl Strategy<Value = Kind> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(otpmux_code, idempotent, finds, resends)| Kind {
            otpmux_code,
            idempotent,
            finds,
            resends,
        },
    )
}

pub(super) fn turn() -> impl Strategy<Value = Turn> {
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
    let outcome = prop_oneof![2 => Just(None), 3 => (certainty, blame).prop_map(Some)];
    let kind = prop::sample::select(vec![
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::RateLimited,
        ErrorKind::InsufficientFunds,
        ErrorKind::Protocol,
    ]);
    let verdict = prop::sample::select(vec![
        Verdict::Approved,
        Verdict::Approved,
        Verdict::WrongCode { guesses_left: None },
        Verdict::Expired,
        Verdict::AlreadyUsed,
        Verdict::TooManyGuesses { retry_after: None },
        Verdict::NotFound,
        Verdict::Rejected,
    ]);
    let delivery = prop::sample::select(vec![
        Delivery::Accepted,
        Delivery::Delivered,
        Delivery::Failed,
        Delivery::Unknown,
    ]);
    let delay = prop_oneof![2 => Just(0u64), 1 => 0u64..30_000];
    let retry_after = prop::option::weighted(0.2, 0u64..30);
    (outcome, kind, retry_after, delay, verdict, delivery).prop_map(
        |(outcome, kind, retry_after, delay, verdict, delivery)| Turn {
            outcome,
            kind,
            retry_after,
            delay,
            verdict,
            delivery,
        },
    )
}

#[derive(Debug)]
pub(super) struct Provider {
    at: usize,
    id: ProviderId,
    capabilities: Capabilities,
    journal: Arc<Journal>,
}

impl Provider {
    pub(super) fn new(at: usize, kind: Kind, journal: &Arc<Journal>) -> Self {
        let capabilities = Capabilities::new([Channel::Sms]);
        let mut capabilities = if kind.otpmux_code {
            capabilities.with_otpmux_codes(4..=10)
        } else {
            capabilities.with_vendor_codes(None)
        };
        capabilities.idempotent = kind.idempotent;
        capabilities.status = true;
        capabilities.status_by_key = kind.finds;
        capabilities.cancel = true;
        capabilities.resend = kind.resends && !kind.otpmux_code;
        let id = ProviderId::new(format!("p{at}")).unwrap();
        Self { at, id, capabilities, journal: Arc::clone(journal) }
    }

    async fn put_on_the_wire(&self, cx: &Context, code: Option<&str>) -> Result<Sent, Error> {
        let turn = self.journal.turn();
        let call = self.journal.call(self.at, cx.idempotency_key, code, turn.outcome);
        // Like a transport: a call without an answer by the deadline is unknown.
        let deadline = cx.deadline.map(tokio::time::Instant::from_std);
        let answer =
            async {
                turn.pause().await;
                match turn.error() {
                    Some(error) => Err(error),
                    None => Ok(Sent::new()
                        .with_reference(VendorReference::new(format!("{}-{call}", self.id)))),
                }
            };
        let late = || Error::new(ErrorKind::Timeout, Certainty::Unknown, Blame::Provider);
        let result = match deadline {
            Some(deadline) => {
                tokio::time::timeout_at(deadline, answer).await.unwrap_or_else(|_| {
                    self.journal.is_late(call);
                    Err(late())
                })
            }
            None => answer.await,
        };
        self.journal.landed(call);
        result
    }
}

#[async_trait]
impl OtpProvider for Provider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        let code = request.code.otpmux_code().map(otpmux_core::Code::expose);
        self.put_on_the_wire(cx, code).await
    }

    async fn verify(&self, _: &Context, _: &VerifyRequest) -> Result<Verdict, Error> {
        let turn = self.journal.turn();
        turn.pause().await;
        let answer = turn.error().map_or_else(|| Ok(turn.verdict.clone()), Err);
        self.journal.vendor_approved(answer.as_ref().is_ok_and(Verdict::is_approved));
        answer
    }

    async fn resend(&self, cx: &Context, _: &ResendRequest) -> Result<Sent, Error> {
        self.put_on_the_wire(cx, None).await
    }

    async fn cancel(&self, _: &Context, _: &Target) -> Result<Cancellation, Error> {
        let turn = self.journal.turn();
        turn.pause().await;
        turn.error().map_or(Ok(Cancellation::Cancelled), Err)
    }

    async fn status(&self, _: &Context, _: &Target) -> Result<Status, Error> {
        let turn = self.journal.turn();
        turn.pause().await;
        let answer = turn.error().map_or_else(|| Ok(Status::new(turn.delivery)), Err);
        if let Ok(status) = &answer {
            self.journal.looked_up(self.at, status.delivery);
        }
        answer
    }
}
