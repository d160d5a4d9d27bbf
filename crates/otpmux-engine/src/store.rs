use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, ErrorKind, VendorReference, Verdict};

use crate::limits::{Charge, Limited, Refund};
use crate::{
    Guess, HealthMark, KeyCheck, KeyId, Leg, LegState, Record, Skip, State, VendorTerms,
    VerificationId,
};

/// How long a record outlives its code, so that a late user is told "expired" and not "not found".
pub const GRACE: Duration = Duration::from_mins(10);

/// Where verifications live, and what processes must know of each other to keep limits and to leave
/// a provider alone.
///
/// # Contract
///
/// - Every operation is atomic, over all processes that share the store.
/// - A record is kept until it expires and [`GRACE`] longer, so that its user is told so; then it
///   disappears by itself, and so does everything else that is written here, but for the check values
///   of server keys. A store that is full refuses new records and never gives up live ones.
/// - A store that cannot be reached, or whose answer cannot be trusted, answers an error of kind
///   [`ErrorKind::Store`]; nothing is ever approved or sent on doubt. Its certainty is that of the
///   step: not sent when it was not carried out, unknown when it may have been or may still be.
/// - `now` comes from the caller, who goes by the store's [`time`](Self::time). Expiry is exact, to the
///   millisecond: at `expires_at` a record is worth nothing.
#[async_trait]
pub trait VerificationStore: Send + Sync + fmt::Debug {
    /// Writes down a new verification with its first leg, which takes the place of the newest one of
    /// the same recipient and purpose: that one is [superseded](State::Superseded), if it was live,
    /// and the new one's [`supersedes`](Record::supersedes). In this order, all or nothing:
    ///
    /// 1. A request of the same [name](crate::RequestTag::name) is there already: nothing is
    ///    written, and [`Created::Before`] or [`Created::OtherContent`] answered. One that was
    ///    closed without having sent anything does not count.
    /// 2. A limit has no room: [`Created::Limited`], and nothing is counted.
    /// 3. It was [given up](Lost::Creation) before it got here: [`Created::GivenUp`], and nothing is
    ///    counted or written.
    /// 4. Every limit counts one hit, and the record is written.
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error>;

    /// Writes down a further leg, after settling those before it that have ended.
    ///
    /// Refuses when the verification is not [pending](State::Pending) or has expired, when a resend
    /// breaks its terms, when a limit has no room, or when it was [given up](Lost::Leg) before it got
    /// here, so that nothing is sent for it; limits count only what is begun. The settling, the skips
    /// and the news are written all the same.
    async fn begin_leg(
        &self,
        id: VerificationId,
        begin: BeginLeg,
        now: SystemTime,
    ) -> Result<Begun, Error>;

    /// Writes down how legs ended, and tells where the verification stands afterwards: closed, when
    /// its record is gone.
    ///
    /// When that [closes](Settle::close) it because nothing was sent, the newest of its recipient and
    /// purpose is looked for anew: of those that came to nothing, each gives its place back to the one
    /// that it [supersedes](Record::supersedes), and the first that has not come to nothing is
    /// [pending](State::Pending) again if it was [superseded](State::Superseded). So a code is good
    /// until a message of a newer verification may have gone out, and never are two.
    async fn settle(
        &self,
        id: VerificationId,
        settle: Settle,
        now: SystemTime,
    ) -> Result<State, Error>;

    /// Tries a code, in one step: refuse what is not the [expected](Guess::is_for) recipient's and
    /// purpose's, closed, used, locked or expired, or what its recipient's
    /// [windows](Guess::windows) have no room for; count the attempt, here and there; compare;
    /// consume. An approval empties the recipient's windows.
    async fn attempt(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Attempt, Error>;

    /// Consumes a verification that a vendor has approved: [`Verdict::Approved`] once, whoever asks;
    /// otherwise why not. Counts no attempt, and empties the recipient's windows of guesses.
    async fn approve(&self, id: VerificationId, now: SystemTime) -> Result<Verdict, Error>;

    /// Closes a verification, for good; whether it was [pending](State::Pending).
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error>;

    /// Reads a verification.
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error>;

    /// The marks that were written within the last hour ([`HEALTH_KEPT`]): of each provider the
    /// newest of each process, and no more than [`MARKS_KEPT`] of them, the newest.
    ///
    /// # Errors
    ///
    /// The store cannot be reached; so this tells, too, whether it can.
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthMark>, Error>;

    /// Compares server keys with those that other processes of this store use. Of each id the first
    /// value that the store is told is kept for good; answered are the ids whose values are others.
    /// Writes nothing when all are known, so that a store that takes no writes answers too.
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error>;

    /// Writes something small that takes the place of what it wrote before, and disappears by itself.
    ///
    /// # Errors
    ///
    /// The store takes no writes, so that no code can be verified either.
    async fn probe(&self, now: SystemTime) -> Result<(), Error>;

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

/// The step of [`VerificationStore::settle`] that finds, from the newest verification of a recipient
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

/// How long a [`HealthMark`] is kept.
pub const HEALTH_KEPT: Duration = Duration::from_hours(1);

/// How many [`HealthMark`]s of one provider are kept. Of more processes, those that tell last count;
/// of two at the same time that of the higher number.
pub const MARKS_KEPT: usize = 8;

/// A new verification.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Create {
    /// Its record, with its first leg.
    pub record: Record,
    /// What counts it, all or none.
    pub charges: Vec<Charge>,
}

/// Whether a verification was written down.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Created {
    /// It was. What is known about providers here, as [`VerificationStore::health`] tells it.
    New(Vec<HealthMark>),
    /// Not: this request had been made before, and this came of it.
    Before(Box<Record>),
    /// Not: another request had been made under this name.
    OtherContent,
    /// Not: this limit has no room.
    Limited(Limited),
    /// Not: whoever asked has given it up meanwhile.
    GivenUp,
}

/// A further leg.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct BeginLeg {
    /// How legs before it ended.
    pub ends: Vec<LegEnd>,
    /// The providers that were passed over since the last leg.
    pub skips: Vec<Skip>,
    /// What this process has learnt about providers.
    pub news: Vec<HealthMark>,
    /// The leg.
    pub leg: Leg,
    /// For the first leg of a resend: what the record must allow, and what it says afterwards.
    pub resend: Option<ResendTerms>,
    /// What counts it, all or none.
    pub charges: Vec<Charge>,
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

/// Whether a further leg was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Begun {
    /// It was, at this place of the record's legs.
    Leg(usize),
    /// Not: no code is good for this verification any more, for this reason.
    Over(Verdict),
    /// Not yet: a resend must wait this long.
    TooSoon(Duration),
    /// Not any more: there were as many resends as there may be.
    TooMany,
    /// Not now: this limit has no room.
    Limited(Limited),
}

/// How the calls of some legs ended.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Settle {
    /// The legs.
    pub ends: Vec<LegEnd>,
    /// The providers that were passed over since the last leg.
    pub skips: Vec<Skip>,
    /// What this process has learnt about providers.
    pub news: Vec<HealthMark>,
    /// Close the verification, unless another leg may have sent something after all: if nothing was
    /// sent for it, there is no code to type.
    pub close: bool,
    /// Hits to take back, each once, if it is there. To be told again changes nothing: where there
    /// are `ends` or a leg that was `lost`, they are taken back only if one of these was there and has
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
    /// The beginning of this leg, known by its key. Where it is there it was not sent; where it is
    /// not, it is written down as not sent, and not begun any more.
    Leg(Leg),
}

/// How a leg ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct LegEnd {
    /// Its place among the record's legs.
    pub leg: usize,
    /// What is known about it.
    pub state: LegState,
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
pub enum Attempt {
    /// The answer.
    Verdict(Verdict),
    /// The attempt is counted and the code is not ours, but a vendor's code may be out: only that
    /// vendor can tell.
    AskVendors(Box<Record>),
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

    /// The step of [`VerificationStore::settle`] for the one that was [uncovered]. Whether this
    /// changes it.
    pub fn restore(&mut self) -> bool {
        let superseded = self.state == State::Superseded;
        if superseded {
            self.state = State::Pending;
        }
        superseded
    }

    /// The step of [`VerificationStore::attempt`]. `wait` is how long the recipient's windows of
    /// guesses have no room for another one.
    pub fn attempt(
        &mut self,
        guess: &Guess,
        wait: Option<Duration>,
        now: SystemTime,
    ) -> (Attempt, Counted) {
        let refuse = |verdict| (Attempt::Verdict(verdict), Counted::Nothing);
        // To whoever expects another recipient or purpose, this verification does not exist.
        if !guess.is_for(&self.recipient, &self.purpose) {
            return refuse(Verdict::NotFound);
        }
        if let Some(verdict) = self.over(now) {
            return refuse(verdict);
        }
        if self.attempts >= self.max_attempts {
            return refuse(Verdict::TooManyAttempts { retry_after: None });
        }
        if wait.is_some() {
            return refuse(Verdict::TooManyAttempts { retry_after: wait });
        }
        // Counted before anything is compared: a crash or a race after this line costs the guesser
        // an attempt, never us a free one.
        self.attempts += 1;
        if self.code_is_out() && self.code.as_ref().is_some_and(|code| guess.matches(code)) {
            self.state = State::Approved;
            return (Attempt::Verdict(Verdict::Approved), Counted::Emptied);
        }
        let attempt = if self.vendor_code_is_out() {
            Attempt::AskVendors(Box::new(self.clone()))
        } else {
            Attempt::Verdict(Verdict::WrongCode { attempts_left: Some(self.attempts_left()) })
        };
        (attempt, Counted::Hit)
    }

    /// The step of [`VerificationStore::approve`].
    pub fn approve(&mut self, now: SystemTime) -> Verdict {
        self.over(now).unwrap_or_else(|| {
            self.state = State::Approved;
            Verdict::Approved
        })
    }

    /// The step of [`VerificationStore::cancel`].
    pub fn cancel(&mut self, now: SystemTime) -> bool {
        let live = self.over(now).is_none();
        if live || self.state == State::Superseded {
            self.state = State::Closed;
        }
        live
    }

    /// The step of [`VerificationStore::settle`], apart from the news; whether the refunds are due.
    pub fn settle(&mut self, settle: Settle) -> bool {
        let lost = match settle.lost {
            Some(Lost::Leg(leg)) => Some(leg),
            Some(Lost::Creation(_)) | None => None,
        };
        let untold = settle.ends.is_empty() && lost.is_none();
        let mut first = self.end(settle.ends, settle.skips);
        if let Some(leg) = lost {
            first |= self.give_up(leg);
        }
        let open = matches!(self.state, State::Pending | State::Superseded);
        if settle.close && !self.may_have_sent() && open {
            self.state = State::Closed;
        }
        untold || first
    }

    /// Whether the leg was there and has had no end before.
    fn give_up(&mut self, leg: Leg) -> bool {
        let leg = Leg { state: LegState::NotSent, ..leg };
        let Some(begun) = self.legs.iter_mut().find(|begun| begun.key == leg.key) else {
            self.legs.push(leg);
            return false;
        };
        let first = begun.state == LegState::Intended;
        if first {
            *begun = leg;
        }
        first
    }

    /// Whether one of the legs has had no end before.
    fn end(&mut self, ends: Vec<LegEnd>, skips: Vec<Skip>) -> bool {
        let mut first = false;
        for end in ends {
            if let Some(leg) = self.legs.get_mut(end.leg) {
                first |= leg.state == LegState::Intended;
                leg.state = end.state;
                leg.failure = end.failure;
                leg.reference = end.reference.or(leg.reference.take());
                leg.vendor = end.vendor.or(leg.vendor.take());
            }
        }
        self.skips.extend(skips);
        first
    }

    /// The step of [`VerificationStore::begin_leg`], apart from the news. `full` is the limit that
    /// has no room; limits count the leg when it was [begun](Begun::Leg).
    pub fn begin(&mut self, begin: BeginLeg, full: Option<Limited>, now: SystemTime) -> Begun {
        self.end(begin.ends, begin.skips);
        if let Some(verdict) = self.over(now) {
            return Begun::Over(verdict);
        }
        if let Some(terms) = begin.resend {
            if self.attempts >= self.max_attempts {
                return Begun::Over(Verdict::TooManyAttempts { retry_after: None });
            }
            if self.resends >= terms.max_resends {
                return Begun::TooMany;
            }
            if let Ok(wait) = self.resend_after.duration_since(now)
                && !wait.is_zero()
            {
                return Begun::TooSoon(wait);
            }
        }
        if let Some(limited) = full {
            return Begun::Limited(limited);
        }
        if self.legs.iter().any(|leg| leg.key == begin.leg.key) {
            return Begun::Over(Verdict::NotFound);
        }
        if let Some(terms) = begin.resend {
            self.resends += 1;
            self.resend_after = terms.next_after;
        }
        self.legs.push(begin.leg);
        Begun::Leg(self.legs.len() - 1)
    }
}

/// What an attempt does to its recipient's windows of guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Counted {
    /// Nothing: no code was looked at.
    Nothing,
    /// They count a hit.
    Hit,
    /// They are empty: the recipient has proven themselves.
    Emptied,
}
