//! The messages that the vendors accepted for delivery.

use std::collections::VecDeque;

use serde::Serialize;
use tokio::sync::watch;

use crate::vendor_api::Delivery;
use crate::vendors::Vendor;

const NEWEST: usize = 10_000;

/// Message as the recipient's device would get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// The vendor that accepted it.
    pub vendor: Vendor,
    /// `sms`, `voice`, `email` or `whatsapp`.
    pub channel: String,
    /// The recipient as in the request.
    pub to: String,
    /// The subject of an e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text, with the code in it. Of an e-mail: its plain part.
    pub text: String,
    /// The HTML of an e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// The code without the text.
    pub code: String,
    /// When the vendor accepted it, by the emulator's clock (RFC 3339).
    pub at: String,
}

impl Message {
    pub(crate) fn new(vendor: Vendor, delivery: Delivery, at: String) -> Self {
        let Delivery { channel, to, subject, text, html, code } = delivery;
        Self { vendor, channel, to, subject, text, html, code, at }
    }
}

/// Filter for messages; the default matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageFilter {
    /// Only messages of this vendor.
    pub vendor: Option<Vendor>,
    /// Only messages to this recipient.
    pub to: Option<String>,
}

impl MessageFilter {
    /// Selects the messages of the vendor.
    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        self
    }

    /// Selects the messages to the recipient.
    pub fn to(mut self, recipient: impl Into<String>) -> Self {
        self.to = Some(recipient.into());
        self
    }

    fn fits(&self, message: &Message) -> bool {
        self.vendor.is_none_or(|vendor| vendor == message.vendor)
            && self.to.as_ref().is_none_or(|to| *to == message.to)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: VecDeque<Message>,
    /// The number of the newest message; numbers begin at 1 and increase by one.
    newest: u64,
    /// The number of the last clearing, which takes a number like a message.
    cleared: u64,
    changes: watch::Sender<()>,
}

impl Outbox {
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self { changes, ..Self::default() }
    }

    pub(crate) fn push(&mut self, message: Message) {
        if self.messages.len() == NEWEST {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
        self.newest += 1;
        self.changes.send_replace(());
    }

    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    pub(crate) fn cleared(&self) -> u64 {
        self.cleared
    }

    /// Returns the messages with a higher number, oldest first, but only the newest `most` of them.
    pub(crate) fn after(&self, number: u64, most: usize) -> impl Iterator<Item = (u64, &Message)> {
        let newer = usize::try_from(self.newest.saturating_sub(number)).unwrap_or(usize::MAX);
        let count = newer.min(most).min(self.messages.len());
        let messages = self.messages.range(self.messages.len() - count..);
        (self.newest + 1 - count as u64..).zip(messages)
    }

    /// Returns the messages, oldest first.
    pub(crate) fn list(&self, filter: &MessageFilter) -> Vec<Message> {
        self.messages.iter().filter(|message| filter.fits(message)).cloned().collect()
    }

    pub(crate) fn newest_to(&self, to: &str) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.to == to)
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        // A clearing has its own number, so that a reader before it differs from one after it.
        self.newest += 1;
        self.cleared = self.newest;
        self.changes.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_kept() {
        let mut outbox = Outbox::default();
        for n in 0..=NEWEST {
            outbox.push(Message {
                vendor: Vendor::EasyOtp,
                channel: "sms".to_owned(),
                to: n.to_string(),
                subject: None,
                text: String::new(),
                html: None,
                code: String::new(),
                at: String::new(),
            });
        }
        assert_eq!(outbox.list(&MessageFilter::default()).len(), NEWEST);
        assert!(outbox.newest_to("0").is_none());
        assert!(outbox.newest_to("10000").is_some());
        let numbers = |outbox: &Outbox, after| {
            let numbered = outbox.after(after, 3);
            numbered.map(|(number, message)| (number, message.to.clone())).collect::<Vec<_>>()
        };
        let newest = NEWEST as u64 + 1;
        assert_eq!(outbox.newest(), newest);
        assert_eq!(numbers(&outbox, newest - 1), [(newest, "10000".to_owned())]);
        assert_eq!(numbers(&outbox, 0)[0], (newest - 2, "9998".to_owned()));
        outbox.clear();
        assert_eq!((outbox.cleared(), numbers(&outbox, newest)), (newest + 1, Vec::new()));
    }
}
