//! The handle to a running emulator.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::arrivals::Arrivals;
use crate::config::EmulatorConfig;
use crate::fault::Fault;
use crate::fault_changes::FaultChanges;
use crate::outbox::{Message, MessageFilter};
use crate::port::Port;
use crate::ready;
use crate::receipts::{ReceiptFault, SentReceipt};
use crate::relay::Relay;
use crate::requests::SeenRequest;
use crate::server;
use crate::shared::Shared;
use crate::vendor_api::{VendorApi, to_json};
use crate::vendors::{Vendor, each_vendor};
use crate::world::World;

/// Running emulator. Dropping it stops it at once; [`Emulator::shutdown`] lets connections finish
/// first.
pub struct Emulator {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Emulator {
    /// Binds the addresses and serves. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// An address cannot be bound, or is not loopback while [`EmulatorConfig::allow_non_loopback`]
    /// is not set; or the frozen clock is out of range.
    pub async fn start(config: EmulatorConfig) -> io::Result<Self> {
        config.check()?;
        let world = World::new(&config)?;
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|error| at(config.listen, "the page", &error))?;
        let ports = open_ports(&config, world.vendors().map(|(vendor, _)| vendor))?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared::new(listener.local_addr()?, ports, world, stopped));
        let server = tokio::spawn(server::run(listener, Arc::clone(&shared)));
        Ok(Self { shared, stop, server })
    }

    /// Returns the address of the page and the admin API, with its actual port.
    pub fn addr(&self) -> SocketAddr {
        self.shared.addr
    }

    /// Returns the address of the vendor; `None` if it is not played.
    pub fn vendor_addr(&self, vendor: Vendor) -> Option<SocketAddr> {
        self.shared.ports.get(&vendor).map(Port::addr)
    }

    /// Returns the vendors that are played, in the order of their ports.
    pub fn vendors(&self) -> Vec<Vendor> {
        self.shared.ports.keys().copied().collect()
    }

    /// Returns the vendor of this name, if it is played.
    pub fn vendor(&self, name: &str) -> Option<Vendor> {
        self.shared.ports.keys().find(|vendor| vendor.as_str() == name).copied()
    }

    /// Makes a vendor that is played from golden files answer with this file (its name without
    /// `.json`): once, to the next request to the file's path. Several calls make a queue.
    ///
    /// # Errors
    ///
    /// The vendor is not played from golden files, or has no such file; the text lists its files.
    pub fn answer_next(&self, vendor: Vendor, file: &str) -> io::Result<()> {
        let mut world = self.shared.world();
        let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
        let api = match vendor {
            Vendor::Replayed(_) => world.vendor_mut(vendor),
            _ => None,
        };
        let api =
            api.ok_or_else(|| invalid(format!("{vendor} is not played from golden files")))?;
        let mut account = api.account();
        if let Some(next) = account["next"].as_array_mut() {
            next.push(file.into());
        }
        api.set_account(account).map_err(invalid)
    }

    /// Returns the value for the vendor's `base_url` in configuration.
    ///
    /// # Panics
    ///
    /// When this emulator does not play the vendor.
    pub fn base_url(&self, vendor: Vendor) -> String {
        let addr = self.vendor_addr(vendor);
        let addr = addr.unwrap_or_else(|| panic!("{vendor} is not played by this emulator"));
        ready::base_url(addr, vendor)
    }

    /// Returns the credentials of the usual way to authenticate at a vendor, by the configuration key
    /// of its adapter. They are empty for a vendor that is played from golden files, which accepts
    /// all, and for one that this emulator does not play.
    pub fn credentials(&self, vendor: Vendor) -> BTreeMap<String, String> {
        let world = self.shared.world();
        let found = world.vendors().find(|(other, _)| *other == vendor);
        let credentials = found.map(|(_, api)| api.usual_credentials()).unwrap_or_default();
        // They are texts by name.
        serde_json::from_value(credentials).unwrap_or_default()
    }

    /// Returns the certificate of the emulated mail server, as PEM: for `localhost` and the loopback
    /// addresses, signed by itself. Its key is public, so trust it in tests only.
    pub fn mail_certificate(&self) -> &'static str {
        crate::mail_server::CERTIFICATE
    }

    /// Returns the URL of the page that shows messages as they arrive.
    pub fn handset_url(&self) -> String {
        ready::handset_url(self.addr())
    }

    /// Connects the page's form to a gateway. Replaces an earlier connection.
    pub fn set_relay(&self, relay: Arc<dyn Relay>) {
        let world = &mut *self.shared.world();
        world.relay = Some(relay);
        world.changes.send_replace(());
    }

    /// Returns one line of JSON with the address, the handset's page, and each vendor's base URL
    /// and credentials. A command prints it once it serves.
    pub fn ready_line(&self) -> String {
        self.description().to_string()
    }

    /// Returns the content of [`ready_line`](Self::ready_line): `listen`, `handset`, and `vendors`
    /// with the `base_url` and `credentials` of each.
    pub fn description(&self) -> serde_json::Value {
        ready::description(&self.shared, &self.shared.world())
    }

    /// Returns the messages that vendors accepted, oldest first; at most the newest 10,000.
    pub fn messages(&self, filter: &MessageFilter) -> Vec<Message> {
        self.shared.world().outbox.list(filter)
    }

    /// Returns a stream of the messages that vendors accept from now on.
    pub fn arrivals(&self) -> Arrivals {
        Arrivals::new(Arc::clone(&self.shared))
    }

    /// Returns a stream of the changes of the vendors' faults from now on.
    pub fn fault_changes(&self) -> FaultChanges {
        FaultChanges::new(Arc::clone(&self.shared))
    }

    /// Returns the code of the newest message to the recipient.
    pub fn last_code(&self, to: &str) -> Option<String> {
        self.shared.world().outbox.newest_to(to).map(|message| message.code.clone())
    }

    /// Empties the outbox.
    pub fn clear_messages(&self) {
        self.shared.world().outbox.clear();
    }

    /// Returns the requests that were read to their end, oldest first, of one vendor or of all; at
    /// most the newest 10,000.
    pub fn requests(&self, vendor: Option<Vendor>) -> Vec<SeenRequest> {
        self.shared.world().requests.list(vendor)
    }

    /// Returns how many requests the vendor read to their end.
    pub fn request_count(&self, vendor: Vendor) -> u64 {
        self.shared.world().requests.count(Some(vendor))
    }

    /// Returns the delivery receipts that vendors have sent, oldest first, of one vendor or of all; at
    /// most the newest 10,000.
    pub fn receipts(&self, vendor: Option<Vendor>) -> Vec<SentReceipt> {
        self.shared.world().receipts.sent(vendor)
    }

    /// Completes when all delivery receipts that are due, by the emulator's clock, have been sent and
    /// answered.
    pub async fn receipts_settled(&self) {
        let mut changes = self.shared.world().changes.subscribe();
        loop {
            changes.mark_unchanged();
            {
                let world = &mut *self.shared.world();
                world.let_time_pass();
                if world.receipts.is_settled(world.clock.now()) {
                    return;
                }
            }
            // The sender is in the world, which `shared` keeps alive.
            let _ = changes.changed().await;
        }
    }

    /// Sets what goes wrong with the vendor's delivery receipts; `None` for nothing. Replaces an
    /// earlier fault, and holds for those that are not sent yet.
    pub fn set_receipt_fault(&self, vendor: Vendor, fault: impl Into<Option<ReceiptFault>>) {
        self.shared.world().receipts.set_fault(vendor, fault.into());
    }

    /// Sets the vendor's fault. Replaces an earlier one.
    pub fn set_fault(&self, vendor: Vendor, fault: impl Into<Fault>) {
        self.shared.set_fault(vendor, fault.into());
    }

    /// Returns the vendor's fault, with its remaining number of requests.
    pub fn fault(&self, vendor: Vendor) -> Option<Fault> {
        self.shared.world().faults.get(vendor).cloned()
    }

    /// Clears the vendor's fault. Requests that hang already go on hanging.
    pub fn clear_faults(&self, vendor: Vendor) {
        self.shared.clear_fault(vendor);
    }

    /// Returns the emulator's clock, for a program that must go by it too. It remains when the
    /// emulator ends.
    pub fn clock(&self) -> EmulatorClock {
        EmulatorClock(Arc::clone(&self.shared))
    }

    /// Moves the emulator's clock forward.
    ///
    /// # Panics
    ///
    /// If the sum of all advances exceeds 100 years.
    pub fn advance_clock(&self, by: Duration) {
        let advanced = self.shared.world().advance(by);
        assert!(advanced, "the clock is not advanced by more than 100 years");
    }

    #[expect(clippy::expect_used, reason = "invariant: the JSON form of an account is readable")]
    fn account<A: DeserializeOwned>(&self, vendor: Vendor) -> A {
        let account = self.shared.world().vendor(vendor).map(VendorApi::account);
        serde_json::from_value(account.unwrap_or_default()).expect("an account of this vendor")
    }

    #[expect(clippy::expect_used, reason = "invariant: the JSON form of an account is readable")]
    fn update_account<A: Serialize + DeserializeOwned>(
        &self,
        vendor: Vendor,
        change: impl FnOnce(&mut A),
    ) {
        let mut world = self.shared.world();
        if let Some(api) = world.vendor_mut(vendor) {
            let mut account = serde_json::from_value(api.account()).expect("an account");
            change(&mut account);
            api.set_account(to_json(&account)).expect("an account");
        }
    }

    /// Serves until the future completes (for example, on a signal), then shuts down.
    pub async fn run_until(mut self, until: impl Future<Output = ()>) {
        tokio::select! {
            () = until => self.shutdown().await,
            _ = &mut self.server => {}
        }
    }

    /// Stops accepting, gives connections half a second to finish, then cuts them. Requests that a
    /// fault hangs or delays are cut at once.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        let _ = (&mut self.server).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.shared.shut_ports();
        self.server.abort();
    }
}

/// Opens the vendors' ports: those after the emulator's own, or free ones if that is a free one.
fn open_ports(
    config: &EmulatorConfig,
    vendors: impl Iterator<Item = Vendor>,
) -> io::Result<BTreeMap<Vendor, Port>> {
    let open = |vendor: Vendor| {
        let addr = config.address_of(vendor)?;
        let port = Port::open(addr).map_err(|error| at(addr, vendor.name(), &error))?;
        Ok((vendor, port))
    };
    vendors.map(open).collect()
}

/// Returns the error with its address.
fn at(addr: SocketAddr, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{addr}, for {what}: {error}"))
}

/// The clock of an [`Emulator`]: the machine's time, or the fixed start, plus all advances.
#[derive(Clone)]
pub struct EmulatorClock(Arc<Shared>);

impl EmulatorClock {
    /// Returns the emulator's time.
    pub fn now(&self) -> SystemTime {
        self.0.world().clock.now().into()
    }
}

impl fmt::Debug for EmulatorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmulatorClock").field(&self.now()).finish()
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("addr", &self.addr()).finish_non_exhaustive()
    }
}

macro_rules! accounts {
    ($($vendor:ident, $folder:ident, $account:ident, $with:ident, $update:ident;)+) => {
        /// Two methods for each vendor: read and change its account.
        impl Emulator {
            $(
                #[doc = concat!("A copy of the account at ", stringify!($vendor), " as it is now.")]
                pub fn $folder(&self) -> crate::vendors::$folder::$account {
                    self.account(Vendor::$vendor)
                }

                #[doc = concat!("Changes the account at ", stringify!($vendor), ".")]
                pub fn $update(
                    &self,
                    change: impl FnOnce(&mut crate::vendors::$folder::$account),
                ) {
                    self.update_account(Vendor::$vendor, change);
                }
            )+
        }
    };
}
each_vendor!(accounts);
