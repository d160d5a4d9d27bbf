use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, ErrorKind, VendorReference, Verdict};

use crate::keys::GuessName;
use crate::limits::{LimitExceeded, LimitHit, Refund};
use crate::{
    AttemptState, Guess, HealthUpdate, KeyCheck, KeyId, Record, SendAttempt, Skip, State,
    VendorTerms, VerificationId,
};

/// How long a record outlives its code, so that a late user is told "expired" and not "not found".
pub const RETENTION: Duration = Duration::from_mins(10);

/// Where verifications live, and what processes must know of each other to keep limits and to leave
/// a provider alone.
///
/// # Contract
///
/// - Every operation is atomic, over all processes that share the store.
/// - A record is kept until it expires and [`RETENTION`] longer, so that its user is told so; then it
///   disappears by itself, and so does everything else that is written here, but for the check values
///   of server keys. A store that is full refuses new records and never gives up live ones.
/// - A store that cannot be reached, or whose answer cannot be trusted, answers an error of kind
///   [`ErrorKind::Store`]; nothing is ever approved or sent on doubt. Its certainty is that of the
///   step: not sent when it was not carried out, unknown when it may have been or may still be.
/// - `now` comes from the caller, who goes by the store's [`time`](Self::time). Expiry is exact, to the
///   millisecond: at `expires_at` a record is worth nothing.
#[async_trait]
pub trait VerificationStore: Send + Sync + fmt::Debug {
    /// Writes down a new verification with its first send attempt, which takes the place of the newest one of
    /// the same recipient and purpose: that one is [superseded](State::Superseded), if it was live,
    /// and the new one's [`supersedes`](Record::supersedes). In this order, all or nothing:
    ///
    /// 1. A request of the same [name](crate::IdempotencyRecord::name) is there already: nothing is
    ///    written, and [`Created::Replayed`] or [`Created::KeyReused`] answered. One that was
    ///    closed without having sent anything does not count.
    /// 2. A limit has no room: [`Created::LimitExceeded`], and nothing is counted.
    /// 3. It was [given up](Lost::Creation) before it got here: [`Created::GivenUp`], and nothing is
    ///    counted or written.
    /// 4. Every limit counts one hit, and the record is written.
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error>;

    /// Writes down a further send attempt, after recording those before it that have ended.
    ///
    /// Refuses when the verification is not [pending](State::Pending) or has expired, when a resend
    /// breaks its terms, when a limit has no room, or when it was [given up](Lost::SendAttempt) before it got
    /// here, so that nothing is sent for it; limits count only what is begun. The recording, the skips
    /// and the health updates are written all the same.
    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error>;

    /// Writes down how send attempts ended, and tells where the verification stands afterwards: closed, when
    /// its record is gone.
    ///
    /// When that [closes](RecordOutcome::close) it because nothing was sent, the newest of its recipient and
    /// purpose is looked for anew: of those that came to nothing, each gives its place back to the one
    /// that it [supersedes](Record::supersedes), and the first that has not come to nothing is
    /// [pending](State::Pending) again if it was [superseded](State::Superseded). So a code is good
    /// until a message of a newer verification may have gone out, and never are two.
    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error>;

    /// Tries a code, in one step: refuse what is not the [expected](Guess::is_for) recipient's and
    /// purpose's, closed, used, locked or expired, or what its recipient's
    /// [counters](Guess::counters) have no room for; count the guess, here and there; compare;
    /// consume. An approval empties the guesser's [own](Guess::own) windows.
    ///
    /// A guess that was counted under its [name](Guess::name) before is not counted again, whatever
    /// has become of the verification since: its verdict is told again, or its vendors are asked
    /// again. Under the name of another code it is [`Guessed::KeyReused`]. A name is good as long as
    /// the record.
    ///
    /// # Errors
    ///
    /// Besides [`ErrorKind::Store`]: with certainty [`Unknown`](otpmux_core::Certainty::Unknown) when
    /// the step may have been carried out, or may be still.
    async fn check_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Guessed, Error>;

    /// Consumes a verification whose vendor has approved a guess that was counted before:
    /// [`Verdict::Approved`] once, whoever asks, and to every repeat of a named guess; otherwise why
    /// not. Counts no guess, empties the guesser's [own](Guess::own) windows and takes the guess's
    /// [hit](Guess::was_counted_at) back from the [total](Guess::total).
    ///
    /// # Errors
    ///
    /// As [`check_guess`](Self::check_guess).
    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error>;

    /// Writes down that a guess that was counted before, and left to vendors, did not let its guesser
    /// in.
    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error>;

    /// Closes a verification, for good; whether it was [pending](State::Pending).
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error>;

    /// Reads a verification.
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error>;

    /// The updates that were written within the last hour ([`HEALTH_TTL`]): of each provider the
    /// newest of each process, and no more than [`HEALTH_UPDATES_KEPT`] of them, the newest.
    ///
    /// # Errors
    ///
    /// The store cannot be reached; so this tells, too, whether it can.
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error>;

    /// Compares server keys with those that other processes of this store use. Of each id the first
    /// value that the store is told is kept for good; answered are the ids whose values are others.
    /// Writes nothing when all are known, so that a store that takes no writes answers too.
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error>;

    /// Writes a small entry that replaces the one before and expires by itself.
    ///
    /// # Errors
    ///
    /// The store refuses writes, so no code can be verified.
    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error>;

    /// What the store's own clock says. Processes on different machines that share a store go by it: an
    /// [`OtpClient`](crate::OtpClient) measures how far its own clock is off, and corrects every time
    /// that it uses. `None`: those who share the store share one clock.
    async fn time(&self) -> Result<Option<SystemTime>, Error>;
}

/// How many verifications that came to nothing one step looks behind, at the most. More than one are
/// there only where sends to one recipient overlapped; what is left then is found by the next one.
pub const LOOKS_BEHIND: u32 = 16;

/// What a store looks at when a verification came to nothing.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores put it together")]
pub struct Behind {
    /// Whether it [came to nothing](Record::has_failed).
    pub failed: bool,
    /// The one whose place it took.
    pub supersedes: Option<VerificationId>,
}

/// The step of [`VerificationStore::record_outcome`] that finds, from the newest verification of a recipient
/// and purpose on, the first that has not come to nothing; none where no record is left. `look` tells
/// of a record that is there.
///
/// # Errors
///
/// Those of `look`.
pub fn uncovered<E>(
    newest: VerificationId,
    mut look: impl FnMut(VerificationId) -> Result<Option<Behind>, E>,
) -> Result<Option<VerificationId>, E> {
    let (mut at, mut left) = (newest, LOOKS_BEHIND);
    loop {
        let Some(record) = look(at)? else { return Ok(None) };
        if left == 0 || !record.failed {
            return Ok(Some(at));
        }
        let Some(next) = record.supersedes else { return Ok(None) };
        (at, left) = (next, left - 1);
    }
}

/// How long a [`HealthUpdate`] is kept.
pub const HEALTH_TTL: Duration = Duration::from_hours(1);

/// How many [`HealthUpdate`]s of one provider are kept. Of more processes, those that tell last count;
/// of two at the same time that of the higher number.
pub const HEALTH_UPDATES_KEPT: usize = 8;

/// Whether a store that can be written to has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "stores answer with it, and callers handle both")]
pub enum StoreState {
    /// It takes new verifications.
    Ok,
    /// It is full: it refuses new verifications and still checks the codes that were sent.
    Full,
}

/// A new verification.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Create {
    /// Its record, with its first send attempt.
    pub record: Record,
    /// What counts it, all or none.
    pub limit_hits: Vec<LimitHit>,
}

/// Whether a verification was written down.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Created {
    /// It was. What is known about providers here, as [`VerificationStore::health`] tells it.
    New(Vec<HealthUpdate>),
    /// Not: this request had been made before, and this came of it.
    Replayed(Box<Record>),
    /// Not: another request had been made under this name.
    KeyReused,
    /// Not: this limit has no room.
    LimitExceeded(LimitExceeded),
    /// Not: whoever asked has given it up meanwhile.
    GivenUp,
}

/// A further send attempt.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct StartAttempt {
    /// How send attempts before it ended.
    pub ends: Vec<AttemptEnd>,
    /// The providers that were passed over since the last send attempt.
    pub skips: Vec<Skip>,
    /// What this process has learnt about providers.
    pub health_updates: Vec<HealthUpdate>,
    /// The send attempt.
    pub attempt: SendAttempt,
    /// For the first send attempt of a resend: what the record must allow, and what it says afterwards.
    pub resend: Option<ResendTerms>,
    /// What counts it, all or none.
    pub limit_hits: Vec<LimitHit>,
}

/// What a resend needs of its record.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct ResendTerms {
    /// How many resends there may be, this one included.
    pub max_resends: u32,
    /// From when on the next one is allowed.
    pub next_after: SystemTime,
}

/// Whether a further send attempt was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum AttemptStarted {
    /// It was, at this place of the record's send attempts.
    Started(usize),
    /// Not: no code is good for this verification any more, for this reason.
    Over(Verdict),
    /// Not yet: a resend must wait this long.
    TooSoon(Duration),
    /// Not any more: there were as many resends as there may be.
    TooMany,
    /// Not now: this limit has no room.
    LimitExceeded(LimitExceeded),
}

/// How the calls of some send attempts ended.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct RecordOutcome {
    /// The send attempts.
    pub ends: Vec<AttemptEnd>,
    /// The providers that were passed over since the last send attempt.
    pub skips: Vec<Skip>,
    /// What this process has learnt about providers.
    pub health_updates: Vec<HealthUpdate>,
    /// Close the verification, unless another send attempt may have sent something after all: if nothing was
    /// sent for it, there is no code to type.
    pub close: bool,
    /// Hits to take back, each once, if it is there. To be told again changes nothing: where there
    /// are `ends` or a send attempt that was `lost`, they are taken back only if one of these was there and has
    /// had no end before.
    pub refunds: Vec<Refund>,
    /// A step whose answer was lost, so that it may still be carried out: it no longer is.
    pub lost: Option<Lost>,
}

/// A step that may have been carried out, or may be later, though whoever asked for it has given up
/// and called nobody.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Lost {
    /// The creation. Where the record is not there, it is not created any more, until this time, when
    /// nobody would miss it.
    Creation(SystemTime),
    /// The beginning of this send attempt, known by its key. Where it is there it was not sent; where it is
    /// not, it is written down as not sent, and not begun any more.
    SendAttempt(SendAttempt),
}

/// How a send attempt ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct AttemptEnd {
    /// Its place among the record's send attempts.
    pub attempt: usize,
    /// What is known about it.
    pub state: AttemptState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// What the vendor calls it; encrypted where that shows the recipient.
    pub reference: Option<VendorReference>,
    /// What is known of the vendor's code; `None` keeps what was known before.
    pub vendor: Option<Box<VendorTerms>>,
}

/// What came of trying a code.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Guessed {
    /// The answer.
    Verdict(Verdict),
    /// The guess is counted and the code is not ours, but a vendor's code may be out: only that
    /// vendor can tell.
    AskVendors(Box<Record>),
    /// Nothing is compared and nothing counted: another code was tried under this name.
    KeyReused,
}

/// How a guess that was left to vendors ended, other than by an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum GuessEnd {
    /// A vendor has said that it is wrong, and so many are left. It stays counted; told to every
    /// repeat under its [name](Guess::name).
    Wrong(u32),
    /// Nobody has compared it. The guess is given back, and the hit of its
    /// [time](Guess::was_counted_at) in its windows, and its name is free again, unless the
    /// verification is over by approval or otherwise, or another call still asks under its name.
    NotCompared,
}

/// What is kept of a guess that was counted under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct NamedGuess {
    /// The code, as a keyed hash.
    pub content: [u8; 16],
    /// What has become of it.
    pub state: GuessState,
}

/// What has become of a guess that was counted under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum GuessState {
    /// Its vendors are being asked, or were when the process died.
    Asking {
        /// How many calls have begun and have not ended without a verdict. The last one that does
        /// gives the guess back; were it the first, a verdict that comes to another one would be a
        /// guess that nothing has counted.
        calls: u32,
        /// When it was counted.
        counted_at: SystemTime,
    },
    /// It was wrong, and so many were left.
    Wrong(u32),
    /// It was right.
    Approved,
}

/// The steps of the contract that do not depend on how a store keeps its records; for stores that
/// hold one in their hands.
impl Record {
    /// Why no code is good for this verification at this time, if none is.
    pub fn over(&self, now: SystemTime) -> Option<Verdict> {
        match self.state {
            State::Closed | State::Superseded => Some(Verdict::NotFound),
            State::Approved => Some(Verdict::AlreadyUsed),
            State::Pending if now >= self.expires_at => Some(Verdict::Expired),
            State::Pending => None,
        }
    }

    /// Whether this is a request that came to nothing, so that it may be made again under its name,
    /// and the code that the user holds is as good as it was.
    pub fn has_failed(&self) -> bool {
        self.state == State::Closed && !self.may_have_sent()
    }

    /// What [`uncovered`] looks at.
    pub fn behind(&self) -> Behind {
        Behind { failed: self.has_failed(), supersedes: self.supersedes }
    }

    /// The step of [`VerificationStore::create`] for the one whose place is taken. A user of what has
    /// expired is told so.
    pub fn supersede(&mut self, now: SystemTime) {
        if self.over(now).is_none() {
            self.state = State::Superseded;
        }
    }

    /// The step of [`VerificationStore::record_outcome`] for the one that was [uncovered]. Whether this
    /// changes it.
    pub fn restore(&mut self) -> bool {
        let superseded = self.state == State::Superseded;
        if superseded {
            self.state = State::Pending;
        }
        superseded
    }

    /// The step of [`VerificationStore::guessed`]. `named` is what is kept under the guess's name,
    /// before and after; `wait` is how long the windows that count it have no room for another one.
    pub fn check_guess(
        &mut self,
        guess: &Guess,
        named: &mut Option<NamedGuess>,
        wait: Option<Duration>,
        now: SystemTime,
    ) -> (Guessed, Counted) {
        let refuse = |verdict| (Guessed::Verdict(verdict), Counted::Nothing);
        // To whoever expects another recipient or purpose, this verification does not exist.
        if !guess.is_for(&self.recipient, &self.purpose) {
            return refuse(Verdict::NotFound);
        }
        if let (Some(name), Some(before)) = (guess.name(), named.as_mut()) {
            return self.attempt_again(name, before, now);
        }
        if let Some(verdict) = self.over(now) {
            return refuse(verdict);
        }
        if self.guesses >= self.max_guesses {
            return refuse(Verdict::TooManyGuesses { retry_after: None });
        }
        if wait.is_some() {
            return refuse(Verdict::TooManyGuesses { retry_after: wait });
        }
        // Counted before anything is compared: a crash or a race after this line costs the guesser
        // a guess, never us a free one.
        self.guesses += 1;
        let right = self.code_is_out() && self.code.as_ref().is_some_and(|it| guess.matches(it));
        let left = self.guesses_left();
        let (guessed, counted, state) = if right {
            self.state = State::Approved;
            let approved = Guessed::Verdict(Verdict::Approved);
            (approved, Counted::Reset { hit: None }, GuessState::Approved)
        } else if self.vendor_code_is_out() {
            let ask = Guessed::AskVendors(Box::new(self.clone()));
            (ask, Counted::Hit, GuessState::Asking { calls: 1, counted_at: now })
        } else {
            let wrong = Guessed::Verdict(Verdict::WrongCode { guesses_left: Some(left) });
            (wrong, Counted::Hit, GuessState::Wrong(left))
        };
        *named = guess.name().map(|name| NamedGuess { content: name.content, state });
        (guessed, counted)
    }

    /// A guess that was counted before.
    fn attempt_again(
        &self,
        name: GuessName,
        before: &mut NamedGuess,
        now: SystemTime,
    ) -> (Guessed, Counted) {
        let guessed = if before.content == name.content {
            match &mut before.state {
                GuessState::Approved => Guessed::Verdict(Verdict::Approved),
                GuessState::Wrong(left) => {
                    Guessed::Verdict(Verdict::WrongCode { guesses_left: Some(*left) })
                }
                GuessState::Asking { calls, .. } => {
                    if let Some(verdict) = self.over(now) {
                        Guessed::Verdict(verdict)
                    } else {
                        *calls = calls.saturating_add(1);
                        Guessed::AskVendors(Box::new(self.clone()))
                    }
                }
            }
        } else {
            Guessed::KeyReused
        };
        (guessed, Counted::Nothing)
    }

    /// The step of [`VerificationStore::approve`]. `named` is what is kept under the guess's name,
    /// before and after.
    pub fn approve(
        &mut self,
        guess: &Guess,
        named: &mut Option<NamedGuess>,
        now: SystemTime,
    ) -> (Verdict, Counted) {
        let name = guess.name();
        let before = name.and_then(|name| named.filter(|it| it.content == name.content));
        let before = before.map(|before| before.state);
        if let Some(verdict) = self.over(now) {
            // Another call under the same name was quicker.
            let again = before == Some(GuessState::Approved);
            return (if again { Verdict::Approved } else { verdict }, Counted::Nothing);
        }
        self.state = State::Approved;
        let hit = match before {
            Some(GuessState::Asking { counted_at, .. }) => Some(counted_at),
            _ => guess.was_counted_at(),
        };
        let approved =
            |name: GuessName| NamedGuess { content: name.content, state: GuessState::Approved };
        *named = name.map(approved);
        (Verdict::Approved, Counted::Reset { hit })
    }

    /// The step of [`VerificationStore::end_guess`]. `named` is what is kept under the guess's name,
    /// before and after.
    pub fn end_guess(
        &mut self,
        guess: &Guess,
        named: &mut Option<NamedGuess>,
        end: GuessEnd,
    ) -> Counted {
        let over = matches!(self.state, State::Approved | State::Closed);
        let mut hit = guess.was_counted_at();
        if let Some(name) = guess.name() {
            let Some(before) = named.as_mut().filter(|it| it.content == name.content) else {
                return Counted::Nothing;
            };
            let GuessState::Asking { calls, counted_at } = &mut before.state else {
                return Counted::Nothing;
            };
            hit = Some(*counted_at);
            match end {
                GuessEnd::Wrong(left) => before.state = GuessState::Wrong(left),
                GuessEnd::NotCompared if *calls > 1 => {
                    *calls -= 1;
                    return Counted::Nothing;
                }
                GuessEnd::NotCompared if !over => *named = None,
                GuessEnd::NotCompared => {}
            }
        }
        if end != GuessEnd::NotCompared || over {
            return Counted::Nothing;
        }
        self.guesses = self.guesses.saturating_sub(1);
        hit.map_or(Counted::Nothing, Counted::TakenBack)
    }

    /// The step of [`VerificationStore::cancel`].
    pub fn cancel(&mut self, now: SystemTime) -> bool {
        let live = self.over(now).is_none();
        if live || self.state == State::Superseded {
            self.state = State::Closed;
        }
        live
    }

    /// The step of [`VerificationStore::record_outcome`], apart from the health updates; whether the refunds are due.
    pub fn record_outcome(&mut self, record_outcome: RecordOutcome) -> bool {
        let lost = match record_outcome.lost {
            Some(Lost::SendAttempt(attempt)) => Some(attempt),
            Some(Lost::Creation(_)) | None => None,
        };
        let untold = record_outcome.ends.is_empty() && lost.is_none();
        let mut first = self.end(record_outcome.ends, record_outcome.skips);
        if let Some(attempt) = lost {
            first |= self.give_up(attempt);
        }
        let open = matches!(self.state, State::Pending | State::Superseded);
        if record_outcome.close && !self.may_have_sent() && open {
            self.state = State::Closed;
        }
        untold || first
    }

    /// Whether the send attempt was there and has had no end before.
    fn give_up(&mut self, attempt: SendAttempt) -> bool {
        let attempt = SendAttempt { state: AttemptState::NotSent, ..attempt };
        let Some(begun) = self.send_attempts.iter_mut().find(|begun| begun.key == attempt.key)
        else {
            self.send_attempts.push(attempt);
            return false;
        };
        let first = begun.state == AttemptState::Intended;
        if first {
            *begun = attempt;
        }
        first
    }

    /// Whether one of the send attempts has had no end before.
    fn end(&mut self, ends: Vec<AttemptEnd>, skips: Vec<Skip>) -> bool {
        let mut first = false;
        for end in ends {
            if let Some(attempt) = self.send_attempts.get_mut(end.attempt) {
                first |= attempt.state == AttemptState::Intended;
                attempt.state = end.state;
                attempt.failure = end.failure;
                attempt.reference = end.reference.or(attempt.reference.take());
                attempt.vendor = end.vendor.or(attempt.vendor.take());
            }
        }
        self.skips.extend(skips);
        first
    }

    /// The step of [`VerificationStore::start_attempt`], apart from the health updates. `full` is the limit that
    /// has no room; limits count the send attempt when it was [begun](AttemptStarted::Started).
    pub fn begin(
        &mut self,
        begin: StartAttempt,
        full: Option<LimitExceeded>,
        now: SystemTime,
    ) -> AttemptStarted {
        self.end(begin.ends, begin.skips);
        if let Some(verdict) = self.over(now) {
            return AttemptStarted::Over(verdict);
        }
        if let Some(terms) = begin.resend {
            if self.guesses >= self.max_guesses {
                return AttemptStarted::Over(Verdict::TooManyGuesses { retry_after: None });
            }
            if self.resends >= terms.max_resends {
                return AttemptStarted::TooMany;
            }
            if let Ok(wait) = self.resend_after.duration_since(now)
                && !wait.is_zero()
            {
                return AttemptStarted::TooSoon(wait);
            }
        }
        if let Some(limited) = full {
            return AttemptStarted::LimitExceeded(limited);
        }
        if self.send_attempts.iter().any(|attempt| attempt.key == begin.attempt.key) {
            return AttemptStarted::Over(Verdict::NotFound);
        }
        if let Some(terms) = begin.resend {
            self.resends += 1;
            self.resend_after = terms.next_after;
        }
        self.send_attempts.push(begin.attempt);
        AttemptStarted::Started(self.send_attempts.len() - 1)
    }
}

/// What a step does to the windows that count a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Counted {
    /// Nothing.
    Nothing,
    /// Both count a hit.
    Hit,
    /// The guesser's own are empty: the recipient has proven themselves there. The total, which others
    /// fill too, only loses the hit that the right code was counted by.
    Reset {
        /// When that was, if it was counted.
        hit: Option<SystemTime>,
    },
    /// Both lose the hit of this time: nobody has compared the code.
    TakenBack(SystemTime),
}
