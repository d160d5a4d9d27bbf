//! Twilio's words for channels.

use otpmux::Channel;

use super::failure::Failure;

/// Reads the channel of a request; `None` means that the gateway chooses.
pub(super) fn read(word: &str) -> Result<Option<Channel>, Failure> {
    match word {
        "sms" => Ok(Some(Channel::Sms)),
        "call" => Ok(Some(Channel::Voice)),
        "whatsapp" => Ok(Some(Channel::WhatsApp)),
        "email" => Ok(Some(Channel::Email)),
        "auto" => Ok(None),
        _ => Err(Failure::invalid(
            "Channel",
            "must be sms, call, whatsapp, email or auto; this gateway has no other",
        )),
    }
}

/// Returns Twilio's word for a channel.
pub(super) fn word(channel: &Channel) -> &str {
    match channel {
        Channel::Voice => "call",
        channel => channel.as_str(),
    }
}
