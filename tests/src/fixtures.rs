//! The adapters in front of their emulated vendors, for the conformance suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{Channel, OtpProvider, Recipient};
use otpmux_emulator::{
    Emulator, EmulatorConfig, Fault, FaultKind, Garbage, Message, MessageFilter,
};
use otpmux_testkit::conformance::{DeliveredMessage, Fixture, Instance, VendorFault};

use crate::vendors::Emulation;

/// Short enough for trials with a vendor that hangs, long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_millis(600);

#[async_trait]
impl Fixture for Emulation {
    async fn start(&self) -> Box<dyn Instance> {
        // The limits have their own tests; here they would end most trials.
        let config = EmulatorConfig::default().enforce_limits(false);
        let emulator = Emulator::start(self.play_in(config)).await.expect("a free port");
        self.prepare(&emulator).await;
        let provider = self.provider(&emulator, TIMEOUT);
        Box::new(Emulated { setup: self.clone(), emulator, provider })
    }

    fn cannot_play(&self, trial: &str) -> Option<&str> {
        Self::cannot_play(self, trial)
    }
}

struct Emulated {
    setup: Emulation,
    emulator: Emulator,
    provider: Arc<dyn OtpProvider>,
}

#[async_trait]
impl Instance for Emulated {
    fn provider(&self) -> Arc<dyn OtpProvider> {
        Arc::clone(&self.provider)
    }

    fn recipient(&self, channel: &Channel) -> Recipient {
        self.setup.recipient(channel.as_str())
    }

    async fn delivered(&self) -> Vec<DeliveredMessage> {
        let messages = self.emulator.messages(&MessageFilter::default());
        let delivered = |message: Message| {
            let channel = message.channel.parse().expect("a channel");
            DeliveredMessage::new(channel, message.to, message.code, message.text)
        };
        messages.into_iter().map(delivered).collect()
    }

    async fn fault(&self, fault: VendorFault) {
        let json = |fault: Fault| fault.with_header("content-type", "application/json");
        let fault = match fault {
            VendorFault::Status(status) => Fault::status(status),
            VendorFault::Answer(status, body) => json(Fault::status_with_body(status, body)),
            VendorFault::Redirect(url) => Fault::status(307).with_header("location", url),
            VendorFault::Hang => FaultKind::Hang.into(),
            VendorFault::ResetAfterRead => FaultKind::ResetAfterRead.into(),
            VendorFault::CloseBeforeAnswer => FaultKind::CloseBeforeAnswer.into(),
            VendorFault::GarbageHttp => FaultKind::Garbage(Garbage::Http).into(),
            VendorFault::GarbageJson => FaultKind::Garbage(Garbage::Json).into(),
            VendorFault::Refuse => FaultKind::Refuse.into(),
            other => panic!("the emulator cannot play {other:?}"),
        };
        self.emulator.set_fault(self.setup.vendor(), fault);
    }

    async fn heal(&self) {
        self.emulator.clear_faults(self.setup.vendor());
    }

    async fn advance(&self, by: Duration) {
        self.emulator.advance_clock(by);
    }

    async fn wrong_credentials(&self) -> Arc<dyn OtpProvider> {
        self.setup.stranger(&self.emulator, TIMEOUT)
    }

    async fn requests_seen(&self) -> usize {
        let seen = self.emulator.request_count(self.setup.vendor());
        usize::try_from(seen).expect("a small number")
    }

    fn credentials(&self) -> Vec<String> {
        self.setup.secrets(&self.emulator)
    }

    fn template(&self) -> Option<String> {
        self.setup.template()
    }
}
