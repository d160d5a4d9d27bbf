//! A vendor that is played from golden files: it gives their answers to requests of their form.

mod answer;
mod file;
mod meaning;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use jiff::Timestamp;
use otpmux_golden::Golden;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::check::{is_digits, same_secret};
use crate::clock;
use crate::exchange::{Call, Reply};
use crate::ids;
use crate::ledger::Ledger;
use crate::vendor_api::{Context, VendorApi, assign, to_json};
use file::{File, Part, golden_shape};
use meaning::{Kind, Meaning};
use shape::{Shape, texts_of};

/// The length of a code if no file shows one.
const CODE_LENGTH: u8 = 6;

/// Settings of a replayed vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Files for the next answers, each used once, in this order for requests to one path.
    next: Vec<String>,
    /// Files that answer every request to their place.
    always: Vec<String>,
    /// The code that the vendor generates; random if unset.
    fixed_code: Option<String>,
    /// Every file; read-only.
    files: Vec<String>,
}

/// A send, stored under each id of its answer.
#[derive(Clone, Debug)]
struct Sent {
    recipient: String,
    code: String,
    channel: String,
    subject: Option<String>,
    text: String,
    /// It was approved or cancelled.
    is_used: bool,
    expires_at: Timestamp,
    /// The ids of the file, and those returned instead.
    ids: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(crate) struct Replay {
    settings: Settings,
    files: Vec<File>,
    /// The texts of answers that later requests contain.
    ids: BTreeSet<String>,
    sent: Ledger<Sent>,
}

impl Replay {
    /// Reads the golden files of a folder, or of its folder `wire`.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let wire = folder.join("wire");
        let read = meaning::read_folder(if wire.is_dir() { &wire } else { folder })?;
        // The requests of receipts are the vendor's own.
        let read = || read.files().iter().filter(|file| !meaning::is_receipt(&file.golden));
        let ids = given_ids(read().map(|file| &file.golden));
        let given = |text: &str| ids.contains(text);
        let files: Vec<File> = read().map(|file| File::new(file, given)).collect();
        let names = files.iter().map(|file| file.name.clone()).collect();
        let settings = Settings { files: names, ..Settings::default() };
        Ok(Self { settings, files, ids, sent: Ledger::default() })
    }

    fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Returns the file that answers; an error if there is none.
    fn choose(&mut self, asked: &Shape, now: Timestamp) -> Result<usize, Reply> {
        let at = |name: &String| {
            self.files.iter().position(|file| file.name == *name && file.is_at(asked))
        };
        if let Some((place, file)) =
            self.settings.next.iter().enumerate().find_map(|(place, name)| Some((place, at(name)?)))
        {
            self.settings.next.remove(place);
            return Ok(file);
        }
        if let Some(file) = self.settings.always.iter().find_map(at) {
            return Ok(file);
        }
        // `/wallet` may be a whole path, or the end of `/messages/ID`.
        let base = self.files.iter().filter_map(|file| file.base_path_of(asked)).min();
        let at_base = |file: &File| file.base_path_of(asked).is_some_and(|it| Some(it) == base);
        let here = || self.files.iter().enumerate().filter(|(_, file)| at_base(file));
        let mut fitting: Vec<(usize, &File, i32)> =
            here().filter_map(|(place, file)| Some((place, file, file.likeness(asked)?))).collect();
        // The most similar file comes first, and of equal ones the first by name. A report of an
        // approval may be the same request as a guess: then it is one.
        fitting.sort_by_key(|(_, file, likeness)| {
            (std::cmp::Reverse(*likeness), file.kind == Kind::Other)
        });
        let Some((_, best, _)) = fitting.first() else {
            let answer = match here().next() {
                None => (404, self.unknown_place(asked)),
                Some((_, file)) => {
                    let text =
                        format!("the request lacks a part that `{}` and its like have", file.name);
                    (400, text)
                }
            };
            return Err(Reply::error(answer.0, &answer.1));
        };
        let wanted = self.meaning_of(best, asked, now);
        let find = |meaning: &dyn Fn(&File) -> bool| {
            fitting.iter().find(|(_, file, _)| meaning(file)).map(|(place, ..)| *place)
        };
        let chosen = match wanted {
            Wanted::Success => None,
            Wanted::Verdict(word) => {
                find(&|file| file.meaning == Meaning::Verdict(word.to_owned()))
                    .or_else(|| find(&|file| matches!(file.meaning, Meaning::Verdict(_))))
            }
            Wanted::Unknown => {
                let of = |word: &str| Meaning::Verdict(word.to_owned());
                find(&|file| file.meaning == of("not_found") || file.meaning == of("gone"))
                    .or_else(|| find(&|file| file.response.status == 404))
            }
        };
        let success = || find(&|file| file.meaning == Meaning::Success);
        Ok(chosen.or_else(success).unwrap_or(fitting[0].0))
    }

    /// Returns which of its answers the vendor gives.
    fn meaning_of(&self, best: &File, asked: &Shape, now: Timestamp) -> Wanted {
        if best.kind == Kind::Send {
            return Wanted::Success;
        }
        let id = best.asked(Part::Id, asked);
        let sent = self.find(best, asked);
        if id.is_some_and(|id| sent.is_none() && !self.ids.contains(id)) {
            return Wanted::Unknown;
        }
        let guess = best.asked(Part::Code, asked);
        let Some(guess) = guess.filter(|_| best.kind == Kind::Verify) else {
            return Wanted::Success;
        };
        match sent {
            Some((_, sent)) if sent.is_used => Wanted::Verdict("already_used"),
            Some((_, sent)) if sent.expires_at <= now => Wanted::Verdict("expired"),
            Some((_, sent)) if same_secret(guess, &sent.code) => Wanted::Success,
            // The placeholder of the files: a code that they show as right is right.
            None if self.right_codes().any(|code| code == guess) => Wanted::Success,
            _ => Wanted::Verdict("wrong_code"),
        }
    }

    /// Returns the codes that files show as right.
    fn right_codes(&self) -> impl Iterator<Item = &str> {
        self.files
            .iter()
            .filter(|file| file.kind == Kind::Verify && file.meaning == Meaning::Success)
            .filter_map(|file| file.asked(Part::Code, &file.shape))
    }

    /// Returns the send that a request concerns: by its id, or else the newest to its recipient.
    fn find(&self, file: &File, asked: &Shape) -> Option<(String, &Sent)> {
        let mut ids = file.pairs(asked).filter(|(part, ..)| *part == Part::Id).peekable();
        if ids.peek().is_some() {
            return ids.find_map(|(.., id)| Some((id.to_owned(), self.sent.get(id)?)));
        }
        let to = file.asked(Part::Recipient, asked)?;
        let found = self.sent.newest().find(|(_, sent)| sent.recipient == to)?;
        Some((found.0.to_owned(), found.1))
    }

    fn unknown_place(&self, asked: &Shape) -> String {
        let places: BTreeSet<String> = self
            .files
            .iter()
            .map(|file| format!("{} /{}", file.shape.method, file.shape.path.join("/")))
            .collect();
        let places: Vec<String> = places.into_iter().collect();
        format!(
            "no golden file is for {} /{}; there are: {}",
            asked.method,
            asked.path.join("/"),
            places.join(", ")
        )
    }

    /// Gives the file's answer and applies its effect: a send delivers a message.
    fn play(&mut self, place: usize, asked: &Shape, cx: &mut Context) -> Reply {
        let file = &self.files[place];
        let mut replace: BTreeMap<String, String> =
            file.pairs(asked).map(|(_, old, new)| (old.to_owned(), new.to_owned())).collect();
        // A send concerns no earlier one.
        let found = (file.kind != Kind::Send).then(|| self.find(file, asked)).flatten();
        let found = found.map(|(id, sent)| (id, sent.clone()));
        if let Some((_, sent)) = &found {
            for (old, new) in &sent.ids {
                replace.entry(old.clone()).or_insert_with(|| new.clone());
            }
            // One that was only sent again, by an id of the files, has no known recipient.
            let files = self.files.iter().filter(|_| !sent.recipient.is_empty());
            for shown in files.filter_map(|file| file.asked(Part::Recipient, &file.shape)) {
                replace.entry(shown.to_owned()).or_insert_with(|| sent.recipient.clone());
            }
        }
        let mut new_row = None;
        if file.meaning == Meaning::Success {
            match file.kind {
                Kind::Send | Kind::Resend => {
                    let again = found.as_ref().map(|(_, sent)| sent);
                    let sent = self.accept(file, asked, again, cx.now);
                    let mut given = Vec::new();
                    texts_of(&file.response.body, &mut given);
                    for old in given.into_iter().filter(|text| self.ids.contains(text)) {
                        replace.entry(old.clone()).or_insert_with(|| answer::fresh(&old));
                    }
                    new_row = Some(sent);
                }
                Kind::Verify | Kind::Cancel | Kind::Other => {}
            }
        }
        let reply = answer::fill(&file.response, &replace, file.ttl, cx.now);
        if matches!(file.kind, Kind::Verify | Kind::Cancel)
            && file.meaning == Meaning::Success
            && let Some((id, sent)) = found
        {
            for id in sent.ids.values().chain([&id]) {
                if let Some(sent) = self.sent.get_mut(id) {
                    sent.is_used = true;
                }
            }
        }
        if let Some(mut sent) = new_row {
            cx.deliver_with(
                &sent.channel,
                &sent.recipient,
                sent.subject.as_deref(),
                sent.text.clone(),
                &sent.code,
            );
            sent.ids = replace.into_iter().filter(|(old, _)| self.ids.contains(old)).collect();
            let ids: Vec<String> = sent.ids.values().cloned().collect();
            if ids.is_empty() {
                // Later requests find it by its recipient.
                self.sent.insert(cx.now, ids::uuid(), sent);
            } else {
                for id in ids {
                    self.sent.insert(cx.now, id, sent.clone());
                }
            }
        }
        reply
    }

    /// Returns the message of a request to send or resend.
    fn accept(&self, file: &File, asked: &Shape, again: Option<&Sent>, now: Timestamp) -> Sent {
        let part = |part| file.asked(part, asked).map(str::to_owned);
        let recipient = part(Part::Recipient).or_else(|| again.map(|sent| sent.recipient.clone()));
        let text = part(Part::Text).or_else(|| again.map(|sent| sent.text.clone()));
        let code = part(Part::Code)
            .or_else(|| again.map(|sent| sent.code.clone()))
            .or_else(|| file.code_in(asked))
            .or_else(|| text.as_deref().and_then(code_in))
            .or_else(|| self.settings.fixed_code.clone())
            .unwrap_or_else(|| {
                let length = part(Part::Length).and_then(|length| length.parse().ok());
                let shown = || u8::try_from(self.right_codes().map(str::len).next()?).ok();
                ids::code(length.or_else(shown).unwrap_or(CODE_LENGTH))
            });
        let recipient = recipient.unwrap_or_default();
        let by_recipient = || if recipient.contains('@') { "email" } else { "sms" }.to_owned();
        let channel = part(Part::Channel).as_deref().and_then(channel).map(str::to_owned);
        let channel = channel
            .or_else(|| again.map(|sent| sent.channel.clone()))
            .or_else(|| file.channel.clone())
            .unwrap_or_else(by_recipient);
        let subject = part(Part::Subject).or_else(|| again.and_then(|sent| sent.subject.clone()));
        let text = text.map_or_else(
            || format!("Your code is {code}"),
            |text| {
                ["{{code}}", "{{otp}}", "{code}", "{otp}"]
                    .iter()
                    .fold(text, |text, hole| text.replace(hole, &code))
            },
        );
        let ids = BTreeMap::new();
        let expires_at = again.map_or_else(
            || clock::plus(now, file.ttl.unwrap_or(answer::TTL)),
            |sent| sent.expires_at,
        );
        Sent { recipient, code, channel, subject, text, is_used: false, expires_at, ids }
    }

    fn shape(call: &Call) -> Shape {
        let body = shape::body(call.header("content-type"), &call.body);
        Shape::new(call.method.as_str(), &call.path, &call.query, &body)
    }
}

/// The answer that fits a request.
enum Wanted {
    Success,
    /// The answer to a code that is not right.
    Verdict(&'static str),
    /// The answer to an unknown id.
    Unknown,
}

impl VendorApi for Replay {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        let asked = Self::shape(call);
        match self.choose(&asked, cx.now) {
            Ok(place) => self.play(place, &asked, cx),
            Err(refusal) => refusal,
        }
    }

    fn usual_error(&self, status: u16, now: Timestamp) -> Reply {
        let of_status = |file: &&File| file.response.status == status;
        let is_send = |file: &&File| file.kind == Kind::Send;
        let file = self.files.iter().filter(of_status).find(is_send);
        match file.or_else(|| self.files.iter().find(of_status)) {
            Some(file) => answer::fill(&file.response, &BTreeMap::new(), file.ttl, now),
            None => Reply::error(status, "no golden file shows this vendor's answer"),
        }
    }

    fn fault_path(&self, call: &Call) -> String {
        let asked = Self::shape(call);
        let is_send = self.files.iter().any(|file| file.kind == Kind::Send && file.is_at(&asked));
        if is_send && !call.path.ends_with("/send") {
            return format!("{}/send", call.path);
        }
        call.path.clone()
    }

    fn credentials(&self) -> Value {
        // All credentials are accepted.
        json!({})
    }

    fn account(&self) -> Value {
        to_json(&self.settings)
    }

    fn set_account(&mut self, account: Value) -> Result<(), String> {
        let mut settings = Settings::default();
        assign(&mut settings, account)?;
        if let Some(unknown) =
            settings.next.iter().chain(&settings.always).find(|name| self.file(name).is_none())
        {
            let known = self.settings.files.join(", ");
            return Err(format!("there is no golden file `{unknown}`; there are: {known}"));
        }
        settings.files.clone_from(&self.settings.files);
        self.settings = settings;
        Ok(())
    }

    fn lift_limits(&mut self) {
        // It has no limits.
    }
}

/// Returns the texts that answers contain and later requests repeat: message and verification ids.
fn given_ids<'a>(files: impl Iterator<Item = &'a Golden>) -> BTreeSet<String> {
    let mut given = Vec::new();
    let mut asked = BTreeSet::new();
    let mut references = String::new();
    for golden in files {
        texts_of(&golden.response.body, &mut given);
        asked.extend(golden_shape(golden).all_texts().map(str::to_owned));
        for case in &golden.cases {
            references.extend(case.input.reference.iter().map(String::as_str));
        }
    }
    let is_id = |text: &String| {
        let is_like_one = text.len() >= 6
            && text.bytes().any(|byte| byte.is_ascii_digit())
            && !text.contains(' ')
            && !text.starts_with('+')
            && !text.contains('@');
        (is_like_one && asked.contains(text) && !is_digits(text, 4..=10))
            || (text.len() >= 6 && references.contains(text.as_str()))
    };
    given.into_iter().filter(is_id).collect()
}

/// Returns the first group of exactly 4 to 10 digits in a text.
fn code_in(text: &str) -> Option<String> {
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.filter(|run| is_digits(run, 4..=10)).map(str::to_owned).next()
}

/// Returns the channel for a vendor's word.
fn channel(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "sms" | "text" => "sms",
        "voice" | "call" => "voice",
        "email" | "mail" => "email",
        "whatsapp" => "whatsapp",
        _ => return None,
    })
}
