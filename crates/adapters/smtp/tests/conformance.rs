//! The contract of the port, tried on this adapter against the emulated mail server.
//!
//! Trials about answers of HTTP are left out: `it/certainty.rs` has those of SMTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{Channel, OtpProvider, Recipient};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, FaultKind, Message, MessageFilter, Vendor};
use otpmux_smtp::{Smtp, SmtpBuilder};
use otpmux_testkit::conformance::{DeliveredMessage, Fixture, Instance, VendorFault, suite};

/// Short enough for trials with a server that hangs, long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(1);

struct Mail;

struct Stand {
    emulator: Emulator,
    provider: Arc<dyn OtpProvider>,
}

fn settings(emulator: &Emulator, password: &str) -> SmtpBuilder {
    let address = emulator.vendor_addr(Vendor::Smtp).unwrap();
    Smtp::builder(address.ip().to_string(), "Acme <otp@acme.example>")
        .port(u32::from(address.port()))
        .tls("none")
        .username(emulator.smtp().username)
        .password(password)
        .timeout(TIMEOUT)
}

#[async_trait]
impl Fixture for Mail {
    async fn start(&self) -> Box<dyn Instance> {
        let config = EmulatorConfig::default().enforce_limits(false).with_vendors([Vendor::Smtp]);
        let emulator = Emulator::start(config).await.unwrap();
        let settings = settings(&emulator, &emulator.smtp().password);
        let provider = Arc::new(settings.build("mail").unwrap());
        Box::new(Stand { emulator, provider })
    }

    fn cannot_play(&self, trial: &str) -> Option<&str> {
        let is_status = trial.strip_prefix("answers/").is_some_and(|it| it.parse::<u16>().is_ok());
        match trial {
            _ if is_status => Some("the status is one of HTTP"),
            "unreadable/send-is-a-protocol-error" | "unreadable/nesting-does-not-overflow" => {
                Some("the answer is one of HTTP")
            }
            "transport/redirect-is-not-followed" => Some("a mail server does not redirect"),
            _ => None,
        }
    }
}

#[async_trait]
impl Instance for Stand {
    fn provider(&self) -> Arc<dyn OtpProvider> {
        Arc::clone(&self.provider)
    }

    fn recipient(&self, _: &Channel) -> Recipient {
        "ann@example.com".parse().unwrap()
    }

    async fn delivered(&self) -> Vec<DeliveredMessage> {
        let delivered = |message: Message| {
            let channel = message.channel.parse().unwrap();
            DeliveredMessage::new(channel, message.to, message.code, message.text)
        };
        self.emulator.messages(&MessageFilter::default()).into_iter().map(delivered).collect()
    }

    async fn fault(&self, fault: VendorFault) {
        let fault = match fault {
            VendorFault::Hang => FaultKind::Hang.into(),
            VendorFault::ResetAfterRead => FaultKind::ResetAfterRead.into(),
            VendorFault::CloseBeforeAnswer => FaultKind::CloseBeforeAnswer.into(),
            VendorFault::Refuse => FaultKind::Refuse.into(),
            VendorFault::GarbageHttp => FaultKind::Garbage(otpmux_emulator::Garbage::Http).into(),
            // The server repeats what it was sent.
            VendorFault::Answer(_, text) | VendorFault::Redirect(text) => {
                Fault::status_with_body(554, text.lines().collect::<String>())
            }
            other => panic!("a mail server cannot play {other:?}"),
        };
        self.emulator.set_fault(Vendor::Smtp, fault);
    }

    async fn heal(&self) {
        self.emulator.clear_faults(Vendor::Smtp);
    }

    async fn advance(&self, by: Duration) {
        self.emulator.advance_clock(by);
    }

    async fn wrong_credentials(&self) -> Arc<dyn OtpProvider> {
        Arc::new(settings(&self.emulator, "another-made-up-password").build("mail").unwrap())
    }

    async fn requests_seen(&self) -> usize {
        self.emulator.request_count(Vendor::Smtp).try_into().unwrap()
    }

    fn credentials(&self) -> Vec<String> {
        vec![self.emulator.smtp().password]
    }
}

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, suite("smtp", Mail)).exit();
}
