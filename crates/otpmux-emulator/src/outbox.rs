//! The messages that the vendors accepted for delivery.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::vendor::Vendor;

const NEWEST: usize = 10_000;

/// A message as the recipient's device would get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The vendor that accepted it.
    pub vendor: Vendor,
    /// `sms`, `voice`, `email` or `whatsapp`.
    pub channel: String,
    /// The recipient as the sender wrote it.
    pub to: String,
    /// The text, with the code in it.
    pub text: String,
    /// The code alone.
    pub code: String,
    /// When the vendor accepted it, by the emulator's clock (RFC 3339).
    pub at: String,
}

/// Which messages to list; the default lists all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageFilter {
    /// Only those of this vendor.
    pub vendor: Option<Vendor>,
    /// Only those to this recipient.
    pub to: Option<String>,
}

impl MessageFilter {
    /// Lists only messages of the vendor.
    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        self
    }

    /// Lists only messages to the recipient.
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
}

impl Outbox {
    pub(crate) fn push(&mut self, message: Message) {
        if self.messages.len() == NEWEST {
            self.messages.pop_front();
        }
        self.messages.push_back(message);
    }

    /// Oldest first.
    pub(crate) fn list(&self, filter: &MessageFilter) -> Vec<Message> {
        self.messages.iter().filter(|message| filter.fits(message)).cloned().collect()
    }

    pub(crate) fn newest_to(&self, to: &str) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.to == to)
    }

    pub(crate) fn clear(&mut self) {
        self.messages.clear();
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
                text: String::new(),
                code: String::new(),
                at: String::new(),
            });
        }
        assert_eq!(outbox.list(&MessageFilter::default()).len(), NEWEST);
        assert!(outbox.newest_to("0").is_none());
        assert!(outbox.newest_to("10000").is_some());
    }
}
