//! A vendor: its emulator and its trouble.

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use otpmux_emulator::{Emulator, Message, MessageFilter, Vendor};
use tokio::time::Instant;

use crate::accounts;
use crate::random::Random;
use crate::trouble::Trouble;
use crate::wire::Place;

#[derive(Debug)]
pub(crate) struct VendorSite {
    pub(crate) vendor: Vendor,
    addr: SocketAddr,
    emulator: Emulator,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    /// When it accepted without delivering.
    silences: Vec<(Instant, Option<Instant>)>,
}

/// A message on a handset.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) vendor: Vendor,
    pub(crate) to: String,
    pub(crate) code: String,
    /// The process that sent it.
    pub(crate) by: String,
    /// By the emulator's clock.
    pub(crate) at: String,
}

impl VendorSite {
    pub(crate) async fn start(vendor: Vendor) -> io::Result<Self> {
        let emulator = Emulator::start(accounts::without_limits()).await?;
        let addr =
            emulator.vendor_addr(vendor).ok_or_else(|| io::Error::other("it is not played"))?;
        Ok(Self { vendor, addr, emulator, state: Mutex::default() })
    }

    pub(crate) fn place(&self) -> Place {
        let credentials = accounts::credentials(self.vendor, &self.emulator);
        let url = format!("http://{}{}", self.addr, self.vendor.base_path());
        Place { vendor: self.vendor.to_string(), url, credentials }
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble
    }

    /// Replaces its trouble; `None` heals it.
    pub(crate) fn set(&self, new: Option<Trouble>, random: &mut Random) {
        // Recorded for longer than it lasts: a promise is checked only at times without it.
        if new == Some(Trouble::Silent) {
            self.lock().silences.push((Instant::now(), None));
        }
        match new.map(|trouble| trouble.fault(random)) {
            Some(fault) => self.emulator.set_fault(self.vendor, fault),
            None => self.emulator.clear_faults(self.vendor),
        }
        let mut state = self.lock();
        if state.trouble == Some(Trouble::Silent) && new != Some(Trouble::Silent) {
            let open = state.silences.iter_mut().filter(|(_, end)| end.is_none());
            open.for_each(|(_, end)| *end = Some(Instant::now()));
        }
        state.trouble = new;
    }

    /// Returns whether it may have accepted a message in this time that never arrived.
    pub(crate) fn was_silent(&self, from: Instant, until: Instant) -> bool {
        let overlaps = |(start, end): &(Instant, Option<Instant>)| {
            *start <= until && end.is_none_or(|end| from <= end)
        };
        self.lock().silences.iter().any(overlaps)
    }

    pub(crate) fn messages_to(&self, number: &str) -> Vec<Seen> {
        let messages = self.emulator.messages(&MessageFilter::default().to(number));
        messages.into_iter().map(Seen::of).collect()
    }

    /// Removes and returns all messages. One that arrives at this very instant may be missed.
    pub(crate) fn take_messages(&self) -> Vec<Seen> {
        let messages = self.emulator.messages(&MessageFilter::default());
        self.emulator.clear_messages();
        messages.into_iter().map(Seen::of).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn of(message: Message) -> Self {
        let signed = |word: &&str| {
            word.strip_prefix(['A', 'B']).is_some_and(|rest| rest.parse::<u32>().is_ok())
        };
        let mut words = message.text.split(|c: char| !c.is_ascii_alphanumeric());
        let by = words.find(signed).unwrap_or_default().to_owned();
        Self { vendor: message.vendor, to: message.to, code: message.code, by, at: message.at }
    }
}
