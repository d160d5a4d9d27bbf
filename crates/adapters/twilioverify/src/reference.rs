//! The reference of a send: the SID of the verification and its channel.

use otpmux_core::{Channel, VendorReference};

/// A SID, and the channel of the send: a resend must name one, and Twilio keeps one SID for all
/// channels.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) sid: String,
    pub(crate) channel: Option<Channel>,
}

impl Reference {
    /// Reads what [`write`](Self::write) wrote; a SID without a channel is accepted.
    pub(crate) fn parse(reference: &VendorReference) -> Self {
        let text = reference.as_str();
        let (sid, channel) = text.split_once(':').unwrap_or((text, ""));
        Self { sid: sid.to_owned(), channel: channel.parse().ok() }
    }

    pub(crate) fn write(sid: &str, channel: &Channel) -> VendorReference {
        VendorReference::new(format!("{sid}:{channel}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_sid_and_channel() {
        let written = Reference::write("VE1", &Channel::Voice);
        let read = Reference::parse(&written);
        assert_eq!(read, Reference { sid: "VE1".to_owned(), channel: Some(Channel::Voice) });
        let bare = Reference::parse(&VendorReference::new("VE1"));
        assert_eq!(bare, Reference { sid: "VE1".to_owned(), channel: None });
    }
}
