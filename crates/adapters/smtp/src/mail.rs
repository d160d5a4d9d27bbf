use std::time::SystemTime;

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

/// A mail, before it is written.
pub(crate) struct Letter<'a> {
    pub(crate) from: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
    pub(crate) to: Address,
    pub(crate) subject: &'a str,
    pub(crate) text: &'a str,
    pub(crate) html: Option<&'a str>,
    /// Without angle brackets.
    pub(crate) id: &'a str,
    pub(crate) date: SystemTime,
}

impl Letter<'_> {
    /// Writes the mail. No value adds a header: control characters become spaces.
    ///
    /// The body is plain text, or alternatives of plain text and HTML. `Auto-Submitted` keeps
    /// out-of-office programs from answering (RFC 3834).
    pub(crate) fn write(self) -> Result<Vec<u8>, lettre::error::Error> {
        let mut builder = Message::builder()
            .from(self.from)
            .to(Mailbox::new(None, self.to))
            .subject(one_line(self.subject))
            .message_id(Some(format!("<{}>", self.id)))
            .date(self.date)
            .raw_header(auto_submitted());
        if let Some(reply_to) = self.reply_to {
            builder = builder.reply_to(reply_to);
        }
        let message = match self.html {
            None => builder.singlepart(SinglePart::plain(self.text.to_owned())),
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(
                self.text.to_owned(),
                html.to_owned(),
            )),
        };
        Ok(message?.formatted())
    }
}

fn auto_submitted() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}

/// Returns the text without line ends and other control characters.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
