//! Everything that the emulator remembers, behind one lock.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::airtexts::{self, AirTexts};
use crate::clock::{self, Clock};
use crate::config::EmulatorConfig;
use crate::easyotp::{self, EasyOtp};
use crate::exchange::{Call, Reply};
use crate::fault::Faults;
use crate::handset::Relay;
use crate::outbox::{Message, Outbox};
use crate::requests::{RequestLog, SeenRequest};
use crate::startmessaging::{self, StartMessaging};
use crate::system;
use crate::vendor::Vendor;

/// What a vendor needs from outside itself to serve one request.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    vendor: Vendor,
    /// None when accepted messages are to be lost.
    outbox: Option<&'a mut Outbox>,
}

impl Context<'_> {
    pub(crate) fn deliver(&mut self, channel: &str, to: &str, text: String, code: &str) {
        self.deliver_with(channel, to, None, text, code);
    }

    pub(crate) fn deliver_with(
        &mut self,
        channel: &str,
        to: &str,
        subject: Option<&str>,
        text: String,
        code: &str,
    ) {
        if let Some(outbox) = &mut self.outbox {
            outbox.push(Message {
                vendor: self.vendor,
                channel: channel.to_owned(),
                to: to.to_owned(),
                subject: subject.map(str::to_owned),
                text,
                code: code.to_owned(),
                at: clock::millis(self.now),
            });
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) easyotp: EasyOtp,
    pub(crate) startmessaging: StartMessaging,
    pub(crate) airtexts: AirTexts,
    /// The way to a gateway, if somebody gave one.
    pub(crate) relay: Option<Arc<dyn Relay>>,
    /// Tells this emulator from those before it at the same address.
    pub(crate) run_id: String,
    /// Told whenever the outbox, the faults, the relay or the clock's setting change.
    pub(crate) changes: watch::Sender<()>,
}

impl World {
    pub(crate) fn new(config: &EmulatorConfig) -> io::Result<Self> {
        let clock = Clock::new(config.frozen_clock)?;
        let now = clock.now();
        let changes = watch::Sender::default();
        Ok(Self {
            clock,
            outbox: Outbox::new(changes.clone()),
            requests: RequestLog::default(),
            faults: Faults::new(changes.clone()),
            easyotp: EasyOtp::new(config.easyotp.clone()),
            startmessaging: StartMessaging::new(config.startmessaging.clone(), now),
            airtexts: AirTexts::new(config.airtexts.clone()),
            relay: None,
            run_id: format!("{:08x}", u32::from_be_bytes(system::random())),
            changes,
        })
    }

    /// Moves the clock; false, and unchanged, when it would go too far.
    pub(crate) fn advance(&mut self, by: Duration) -> bool {
        let advanced = self.clock.advance(by);
        self.changes.send_replace(());
        advanced
    }

    pub(crate) fn note(&mut self, vendor: Vendor, call: &Call) {
        self.requests.push(SeenRequest {
            vendor,
            method: call.method.to_string(),
            path: call.path.clone(),
            at: clock::millis(self.clock.now()),
        });
    }

    /// The vendor's own answer; `deliver` says whether accepted messages reach the outbox.
    pub(crate) fn serve(&mut self, vendor: Vendor, call: &Call, deliver: bool) -> Reply {
        let outbox = deliver.then_some(&mut self.outbox);
        let mut cx = Context { now: self.clock.now(), vendor, outbox };
        match vendor {
            Vendor::EasyOtp => self.easyotp.serve(call, &mut cx),
            Vendor::StartMessaging => self.startmessaging.serve(call, &mut cx),
            Vendor::AirTexts => self.airtexts.serve(call, &mut cx),
        }
    }

    /// The vendor's usual error for a status.
    pub(crate) fn usual_error(&self, vendor: Vendor, status: u16) -> Reply {
        match vendor {
            Vendor::EasyOtp => easyotp::usual_error(status),
            Vendor::StartMessaging => {
                let dialect = self.startmessaging.account.dialect;
                startmessaging::usual_error(status, dialect, self.clock.now())
            }
            Vendor::AirTexts => airtexts::usual_error(status, self.airtexts.account.error_shape),
        }
    }
}
