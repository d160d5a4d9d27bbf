//! The whole state of the emulator, behind one lock.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::{self, Clock};
use crate::config::EmulatorConfig;
use crate::exchange::{Call, Reply};
use crate::faults::Faults;
use crate::outbox::{Message, Outbox};
use crate::receipts::ReceiptQueue;
use crate::relay::Relay;
use crate::requests::{RequestLog, SeenRequest};
use crate::system;
use crate::vendor_api::{Context, VendorApi};
use crate::vendors::Vendor;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) receipts: ReceiptQueue,
    vendors: BTreeMap<Vendor, Box<dyn VendorApi>>,
    /// The gateway of the page's form, if there is one.
    pub(crate) relay: Option<Arc<dyn Relay>>,
    /// Differs from the id of every earlier emulator at the same address.
    pub(crate) run_id: String,
    /// Notified whenever the outbox, the faults, the relay or the clock's setting change.
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
            receipts: ReceiptQueue::new(changes.clone()),
            vendors: config.open_vendors(now)?,
            relay: None,
            run_id: format!("{:08x}", u32::from_be_bytes(system::random())),
            changes,
        })
    }

    /// Advances the clock; returns false, without a change, if it would go too far.
    pub(crate) fn advance(&mut self, by: Duration) -> bool {
        let advanced = self.clock.advance(by);
        self.let_time_pass();
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

    /// Returns the vendors that are played, in the order of the ready line.
    pub(crate) fn vendors(&self) -> impl Iterator<Item = (Vendor, &dyn VendorApi)> {
        self.vendors.iter().map(|(vendor, api)| (*vendor, &**api))
    }

    /// Returns the vendor of this name; the error lists those that are played.
    pub(crate) fn named(&self, name: &str) -> Result<Vendor, String> {
        let found = self.vendors.keys().find(|vendor| vendor.as_str() == name);
        found.copied().ok_or_else(|| {
            let known: Vec<&str> = self.vendors.keys().map(|vendor| vendor.as_str()).collect();
            format!("no vendor `{name}` is played; there are: {}", known.join(", "))
        })
    }

    /// Returns the path by which faults match the request.
    pub(crate) fn fault_path(&self, vendor: Vendor, call: &Call) -> String {
        self.vendor(vendor).map_or_else(|| call.path.clone(), |api| api.fault_path(call))
    }

    pub(crate) fn vendor(&self, vendor: Vendor) -> Option<&dyn VendorApi> {
        self.vendors.get(&vendor).map(|api| &**api)
    }

    pub(crate) fn vendor_mut(&mut self, vendor: Vendor) -> Option<&mut (dyn VendorApi + 'static)> {
        self.vendors.get_mut(&vendor).map(|api| &mut **api)
    }

    /// Returns the vendor's own answer; `deliver`: accepted messages reach the outbox.
    pub(crate) fn serve(&mut self, vendor: Vendor, call: &Call, deliver: bool) -> Reply {
        self.let_time_pass();
        let mut cx = Context::at(self.clock.now());
        let Some(api) = self.vendor_mut(vendor) else { return not_played(vendor) };
        let reply = api.serve(call, &mut cx);
        if deliver {
            self.keep(vendor, cx);
        }
        reply
    }

    /// Lets each vendor do what has become due, at its time.
    pub(crate) fn let_time_pass(&mut self) {
        let now = self.clock.now();
        for vendor in self.vendors.keys().copied().collect::<Vec<_>>() {
            while let Some(api) = self.vendor_mut(vendor)
                && let Some(due) = api.next_due().filter(|due| *due <= now)
            {
                let mut cx = Context::at(due);
                api.act(&mut cx);
                self.keep(vendor, cx);
            }
        }
    }

    /// Returns when the next thing happens by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let vendors = self.vendors.values().filter_map(|api| api.next_due());
        vendors.chain(self.receipts.next_due()).min()
    }

    /// Keeps what a vendor has sent.
    fn keep(&mut self, vendor: Vendor, cx: Context) {
        let at = clock::millis(cx.now);
        for delivery in cx.deliveries {
            self.outbox.push(Message::new(vendor, delivery, at.clone()));
        }
        for callback in cx.callbacks {
            self.receipts.push(vendor, callback);
        }
        if self.next_due().is_some() {
            self.changes.send_replace(());
        }
    }

    /// Returns the vendor's usual error for a status.
    pub(crate) fn usual_error(&self, vendor: Vendor, status: u16) -> Reply {
        match self.vendor(vendor) {
            Some(api) => api.usual_error(status, self.clock.now()),
            None => not_played(vendor),
        }
    }
}

fn not_played(vendor: Vendor) -> Reply {
    Reply::error(404, &format!("{vendor} is not played by this emulator"))
}
