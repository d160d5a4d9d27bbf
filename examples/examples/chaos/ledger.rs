//! Compares all answers with all messages that arrived.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::accounts::generates_codes;
use crate::story::{Call, Story, Wrong};
use crate::vendors::Seen;
use crate::wire::Answer;
use crate::workers::Outcome;

/// The most messages of one send under any fault: the one that is needed, and one duplicate.
const MESSAGES: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) stories: Vec<Story>,
    messages: HashMap<String, Vec<Seen>>,
    /// How many sends were needed when one vendor was back.
    pub(crate) sends_until_back: Vec<Option<usize>>,
    pub(crate) ended_by_themselves: u32,
}

/// A promise, and the cases that broke it.
#[derive(Debug)]
pub(crate) struct Promise {
    pub(crate) words: &'static str,
    pub(crate) broken: Vec<String>,
}

impl Ledger {
    pub(crate) fn add_messages(&mut self, messages: impl IntoIterator<Item = Seen>) {
        for seen in messages {
            self.messages.entry(seen.to.clone()).or_default().push(seen);
        }
    }

    pub(crate) fn message_count(&self) -> usize {
        self.messages.values().map(Vec::len).sum()
    }

    fn held(&self, story: &Story) -> &[Seen] {
        self.messages.get(&story.number).map_or(&[], Vec::as_slice)
    }

    /// Checks every promise, after all stories have ended.
    pub(crate) fn judge(&self) -> Vec<Promise> {
        let stories = || self.stories.iter();
        let each = |words, broken: &dyn Fn(&Story) -> Option<String>| {
            let broken = stories().filter_map(|story| {
                let what = broken(story)?;
                Some(format!("{}: {what}{}", story.number, self.told(story)))
            });
            Promise { words, broken: broken.collect() }
        };
        vec![
            each("users with two different codes", &|story| self.two_codes(story)),
            each("messages beyond one and a duplicate, for one send", &|story| {
                let resends = story.calls.iter().filter(|call| call.resend && call.heard()).count();
                let (came, may) = (self.held(story).len(), MESSAGES * (1 + resends));
                (came > may).then(|| format!("{came} messages, {resends} resends"))
            }),
            each("second approvals of one verification", &second_approval),
            each("approvals of a wrong code", &|story| self.wrong_approved(story)),
            each("codes used up, and no user was let in", &used_up),
            each("a vendor said to have sent it, but no message", &|story| {
                (!story.lost.is_empty()).then(|| story.lost.join(", "))
            }),
            each("calls that were never answered", &|story| {
                let calls = story.calls.iter().map(|call| &call.told);
                let mut told = calls.chain(story.typed.iter().map(|typed| &typed.told));
                let forgotten = told.find(|told| matches!(told.outcome, Outcome::Forgotten))?;
                Some(format!("by {}", forgotten.by))
            }),
            each("answered that nothing was sent, but a message came", &|story| self.denied(story)),
            each("one idempotency key, two verifications", &two_verifications),
            each("refused because another process reaches no vendor", &refused_for_another),
            Promise {
                words: "workers that ended by themselves",
                broken: (0..self.ended_by_themselves)
                    .map(|_| "its standard error says why".to_owned())
                    .collect(),
            },
            Promise { words: "one vendor was back, and no send worked", broken: self.never_back() },
        ]
    }

    /// Returns the number of users whose resend left the vendor that generates its own codes, or
    /// reached it.
    pub(crate) fn other_codes(&self) -> usize {
        self.stories.iter().filter(|story| codes(self.held(story)).len() > 1).count()
    }

    /// Returns the number of users whose code was approved by a call with a lost answer.
    pub(crate) fn let_in_untold(&self) -> usize {
        let told = |story: &&Story, word| {
            story.typed.iter().any(|it| it.right && it.told.verdict() == Some(word))
        };
        let stories = self.stories.iter();
        stories.filter(|story| told(story, "already_used") && !told(story, "approved")).count()
    }

    /// Checks that a code that otpmux generated is the same in all messages. The vendor that
    /// generates its own may send another one, but only after the user has asked for a further
    /// message.
    fn two_codes(&self, story: &Story) -> Option<String> {
        let held = self.held(story);
        let by_otpmux = held.iter().filter(|seen| !generates_codes(seen.vendor));
        let by_otpmux: Vec<Seen> = by_otpmux.cloned().collect();
        let resent = story.calls.iter().any(|call| call.resend && call.heard());
        let two = codes(&by_otpmux).len() > 1 || !resent && codes(held).len() > 1;
        two.then(|| format!("{:?}", codes(held)))
    }

    /// Returns a wrong code that was approved. A code that arrived later does not count: by chance
    /// it was the right one.
    fn wrong_approved(&self, story: &Story) -> Option<String> {
        let held = codes(self.held(story));
        let mut wrong = story.typed.iter().filter(|it| !it.right && !held.contains(&*it.code));
        let typed = wrong.find(|it| it.told.verdict() == Some("approved"))?;
        Some(format!("{} by {}", typed.code, typed.told.by))
    }

    /// Returns a process that has always answered that it sent nothing for this user, but did.
    fn denied(&self, story: &Story) -> Option<String> {
        let mut said = BTreeMap::new();
        for call in &story.calls {
            *said.entry(&*call.told.by).or_insert(true) &= call.told.sent_nothing();
        }
        let sent = |by: &str| self.held(story).iter().any(|seen| seen.by == by);
        let (by, _) = said.into_iter().find(|(by, nothing)| *nothing && sent(by))?;
        Some(format!("sent by {by}"))
    }

    fn never_back(&self) -> Vec<String> {
        let never = self.sends_until_back.iter().filter(|sends| sends.is_none());
        never.map(|_| "no send worked".to_owned()).collect()
    }

    /// Returns a story in short, for the analysis.
    fn told(&self, story: &Story) -> String {
        let calls = story.calls.iter().map(|Call { resend, told }| {
            let verb = if *resend { "resend" } else { "send" };
            format!("\n      {verb} {}: {:?}", told.by, told.outcome)
        });
        let typed = story.typed.iter().map(|typed| {
            let right = if typed.right { "right" } else { "wrong" };
            format!("\n      {right} code {}: {:?}", typed.told.by, typed.told.outcome)
        });
        let seen = self.held(story).iter().map(|seen| {
            format!("\n      {} by {}: {} at {}", seen.vendor, seen.by, seen.code, seen.at)
        });
        calls.chain(typed).chain(seen).collect()
    }
}

impl Call {
    /// Returns whether the call may have had any effect.
    fn heard(&self) -> bool {
        !matches!(self.told.outcome, Outcome::Down)
    }
}

fn codes(held: &[Seen]) -> BTreeSet<&str> {
    held.iter().map(|seen| &*seen.code).collect()
}

fn second_approval(story: &Story) -> Option<String> {
    let mut approved = BTreeMap::<&str, usize>::new();
    for typed in &story.typed {
        if typed.told.verdict() == Some("approved") {
            *approved.entry(&typed.verification).or_default() += 1;
        }
    }
    let (id, times) = approved.into_iter().find(|(_, times)| *times > 1)?;
    Some(format!("{id} approved {times} times"))
}

/// Returns whether a code was used up without an approval, which only a call without an answer may
/// do.
fn used_up(story: &Story) -> Option<String> {
    let right = || story.typed.iter().filter(|typed| typed.right);
    let verdict = |word| right().any(|typed| typed.told.verdict() == Some(word));
    let told_nothing = |outcome: &Outcome| {
        !matches!(outcome, Outcome::Down | Outcome::Answer(Answer::Verdict(_), _))
    };
    let lost = right().any(|typed| told_nothing(&typed.told.outcome));
    (verdict("already_used") && !verdict("approved") && !lost).then(|| "used up".to_owned())
}

/// Returns a send that failed with open circuits although all vendors were well: only another
/// process's updates can have opened them.
fn refused_for_another(story: &Story) -> Option<String> {
    let refused = |call: &&Call| match &call.told.outcome {
        Outcome::Answer(Answer::Failed(failed), _) => failed.kind == "circuit_open",
        _ => false,
    };
    let sick = story.wrong == Wrong::SickNeighbour;
    let call = story.calls.iter().filter(|_| sick).find(refused)?;
    Some(format!("by {}", call.told.by))
}

fn two_verifications(story: &Story) -> Option<String> {
    let sends = story.calls.iter().filter(|call| !call.resend);
    let ids: BTreeSet<&str> =
        sends.filter_map(|call| Some(&*call.told.sent()?.verification)).collect();
    (ids.len() > 1).then(|| format!("{ids:?}"))
}
