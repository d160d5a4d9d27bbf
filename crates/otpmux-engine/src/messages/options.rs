//! The lines at the end of an SMS from which a phone fills the code in.

use super::template::Template;
use super::{MessageSettings, SmsSize};

/// The most bytes of a message that Android's SMS Retriever reads.
pub(super) const ANDROID_BYTES: usize = 140;

/// Returns the last line of every SMS, with the line break before it.
pub(super) fn last_line(settings: &MessageSettings) -> Option<Template> {
    let mut line = Template::default();
    match (&settings.webotp_host, &settings.android_hash) {
        (Some(host), _) => {
            // The origin-bound format of WebOTP and Safari: `@host #code`.
            line.literal(&format!("\n@{host} #"));
            line.code();
        }
        (None, Some(hash)) => line.literal(&format!("\n{hash}")),
        (None, None) => return None,
    }
    Some(line)
}

/// The size of a text with its longest values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Longest {
    pub(super) sms: SmsSize,
    /// Bytes in UTF-8.
    pub(super) bytes: usize,
}

impl Longest {
    /// Whether an SMS of this size needs no more segments than allowed, and Android reads it.
    pub(super) fn fits(&self, settings: &MessageSettings) -> bool {
        self.sms.segments <= settings.allow_segments as usize && self.android_reads_it(settings)
    }

    pub(super) fn android_reads_it(&self, settings: &MessageSettings) -> bool {
        settings.android_hash.is_none() || self.bytes <= ANDROID_BYTES
    }
}
