//! The adapter in front of the emulated mail server.

use std::time::Duration;

use otpmux_core::{Blame, Certainty, ErrorKind, OtpProvider as _, Text};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, FaultKind, MessageFilter, Vendor};
use otpmux_smtp::{Smtp, SmtpBuilder};
use tempfile::NamedTempFile;

use crate::world::{CODE, TO, cx, message, request};

struct Stand {
    emulator: Emulator,
    settings: SmtpBuilder,
    _certificate: NamedTempFile,
}

impl Stand {
    async fn start() -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let certificate = NamedTempFile::new().unwrap();
        std::fs::write(certificate.path(), emulator.mail_certificate()).unwrap();
        let address = emulator.vendor_addr(Vendor::Smtp).unwrap();
        let account = emulator.smtp();
        let settings = Smtp::builder(address.ip().to_string(), "Acme <otp@acme.example>")
            .port(u32::from(address.port()))
            .ca_file(certificate.path().to_str().unwrap())
            .username(account.username)
            .password(account.password)
            .timeout(Duration::from_millis(800));
        Self { emulator, settings, _certificate: certificate }
    }

    async fn send(&self) -> Result<(), otpmux_core::Error> {
        // One connection for each message.
        let provider = self.settings.clone().build("mail").unwrap();
        provider.send(&cx(), &request(message())).await.map(drop)
    }

    fn delivered(&self) -> usize {
        self.emulator.messages(&MessageFilter::default()).len()
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let stand = Stand::start().await;
    stand.emulator.update_smtp(|account| account.require_tls = true);
    let provider = stand.settings.clone().build("mail").unwrap();
    let mut both = message().with_subject(Text::new("Anmeldung bei Bäckerei 日本"));
    both.html = Some(Text::new("<p>Ihr Code für heute: <b>{code}</b></p>"));
    provider.send(&cx(), &request(both)).await.unwrap();
    let mail = stand.emulator.messages(&MessageFilter::default()).pop().unwrap();
    assert_eq!((&*mail.to, &*mail.channel, &*mail.code), (TO, "email", CODE));
    assert_eq!(mail.subject.as_deref(), Some("Anmeldung bei Bäckerei 日本"));
    assert_eq!(mail.text, format!("Your Acme code is {CODE}."));
    assert_eq!(mail.html.unwrap(), format!("<p>Ihr Code für heute: <b>{CODE}</b></p>"));
}

/// Each end that a conversation may have, before and after the final dot.
#[tokio::test]
async fn a_fault_proves_what_its_place_says() {
    use Certainty::{NotSent, Rejected, Unknown};
    let stand = Stand::start().await;
    for (fault, certainty, delivered) in [
        (Fault::new(FaultKind::Refuse), NotSent, 0),
        (Fault::status(421).at("/connect"), NotSent, 0),
        (Fault::new(FaultKind::Hang).at("/connect"), NotSent, 0),
        (Fault::status(451).at("/rcpt"), Rejected, 0),
        (Fault::status(550).at("/rcpt"), Rejected, 0),
        (Fault::new(FaultKind::Hang).at("/rcpt"), NotSent, 0),
        (Fault::new(FaultKind::ResetAfterRead).at("/rcpt"), NotSent, 0),
        (Fault::new(FaultKind::CloseBeforeAnswer).at("/rcpt"), NotSent, 0),
        (Fault::status(451), Rejected, 0),
        (Fault::status(554), Rejected, 0),
        (Fault::status(421), Unknown, 0),
        (Fault::new(FaultKind::Hang), Unknown, 0),
        (Fault::new(FaultKind::ResetAfterRead), Unknown, 0),
        (Fault::new(FaultKind::CloseBeforeAnswer), Unknown, 0),
        (Fault::new(FaultKind::ResetAfterRead).after_work(), Unknown, 1),
        (Fault::new(FaultKind::Hang).after_work(), Unknown, 2),
    ] {
        stand.emulator.set_fault(Vendor::Smtp, fault.clone());
        let error = stand.send().await.unwrap_err();
        assert_eq!(error.certainty(), certainty, "{fault:?}: {error}");
        assert_eq!(stand.delivered(), delivered, "{fault:?}");
    }
    stand.emulator.clear_faults(Vendor::Smtp);
    stand.send().await.unwrap();
    assert_eq!(stand.delivered(), 3);
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_or_full_is_the_recipients_fault() {
    let stand = Stand::start().await;
    stand.emulator.update_smtp(|account| account.unknown_recipients = vec![TO.to_owned()]);
    let error = stand.send().await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::InvalidRecipient, Blame::Recipient));
    stand.emulator.update_smtp(|account| {
        account.full_recipients = std::mem::take(&mut account.unknown_recipients);
    });
    let error = stand.send().await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::InvalidRecipient, Blame::Recipient));
    stand.emulator.update_smtp(|account| "another".clone_into(&mut account.password));
    let error = stand.send().await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::Unauthenticated, Blame::Provider));
}
