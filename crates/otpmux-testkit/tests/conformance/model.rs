//! A vendor in memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{Capabilities, Channel, IdempotencyKey, OtpProvider, ReceiptTrust, Recipient};
use otpmux_testkit::conformance::{DeliveredMessage, Fixture, Instance, VendorFault};

use crate::lie::Lie;
use crate::provider::ModelProvider;

pub(crate) const KEY: &str = "key-of-the-model";

/// Gets nothing.
pub(crate) const TEST_RECIPIENT: &str = "+15555550100";

/// Claims all there is.
pub(crate) fn everything() -> Capabilities {
    let mut capabilities = Capabilities::new([Channel::Sms, Channel::Email])
        .with_otpmux_codes(5..=8)
        .with_vendor_codes(Some(6..=8))
        .with_ttls(Duration::from_mins(1)..=Duration::from_hours(1));
    capabilities.phone_prefixes = &["+1"];
    capabilities.message = true;
    capabilities.needs_message = true;
    capabilities.template = true;
    capabilities.locale = true;
    capabilities.sender = true;
    capabilities.resend = true;
    capabilities.cancel = true;
    capabilities.status = true;
    capabilities.balance = true;
    capabilities.report = true;
    capabilities.receipts = Some(ReceiptTrust::Signed);
    capabilities.idempotent = true;
    capabilities.test_recipients = &[TEST_RECIPIENT];
    capabilities.limits.guesses = Some(3);
    capabilities
}

/// Claims nothing but to carry codes that otpmux generated.
pub(crate) fn bare() -> Capabilities {
    Capabilities::new([Channel::WhatsApp]).with_otpmux_codes(4..=10)
}

/// Claims nothing but vendor codes, in one country.
pub(crate) fn vendor_only() -> Capabilities {
    let mut capabilities = Capabilities::new([Channel::Voice]).with_vendor_codes(None);
    capabilities.countries = vec!["US".parse().unwrap()];
    capabilities
}

pub(crate) struct Model {
    capabilities: Capabilities,
    lie: Lie,
}

impl Model {
    pub(crate) fn new(capabilities: Capabilities, lie: Lie) -> Self {
        Self { capabilities, lie }
    }
}

#[async_trait]
impl Fixture for Model {
    async fn start(&self) -> Box<dyn Instance> {
        Box::new(ModelInstance {
            capabilities: self.capabilities.clone(),
            lie: self.lie,
            vendor: Arc::default(),
        })
    }
}

struct ModelInstance {
    capabilities: Capabilities,
    lie: Lie,
    vendor: Arc<Vendor>,
}

impl ModelInstance {
    fn with_key(&self, key: &str) -> Arc<dyn OtpProvider> {
        let vendor = Arc::clone(&self.vendor);
        Arc::new(ModelProvider::new(self.capabilities.clone(), self.lie, key, vendor))
    }
}

#[async_trait]
impl Instance for ModelInstance {
    fn provider(&self) -> Arc<dyn OtpProvider> {
        self.with_key(KEY)
    }

    fn recipient(&self, channel: &Channel) -> Recipient {
        let email = channel.wants_email();
        let text = if email { "somebody@example.com" } else { "+14155550123" };
        text.parse().unwrap()
    }

    async fn delivered(&self) -> Vec<DeliveredMessage> {
        self.vendor.lock().messages.clone()
    }

    async fn fault(&self, fault: VendorFault) {
        self.vendor.lock().fault = Some(fault);
    }

    async fn heal(&self) {
        self.vendor.lock().fault = None;
    }

    async fn advance(&self, by: Duration) {
        self.vendor.lock().now += by;
    }

    async fn wrong_credentials(&self) -> Arc<dyn OtpProvider> {
        self.with_key("key-of-a-stranger")
    }

    async fn requests_seen(&self) -> usize {
        self.vendor.lock().requests
    }

    fn credentials(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }

    fn template(&self) -> Option<String> {
        Some("default".to_owned())
    }
}

/// The vendor's memory.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) now: Duration,
    pub(crate) requests: usize,
    /// How many providers were made for it.
    pub(crate) instances: usize,
    /// A call that hung was dropped.
    pub(crate) stuck: bool,
    pub(crate) fault: Option<VendorFault>,
    pub(crate) messages: Vec<DeliveredMessage>,
    pub(crate) keys: HashSet<IdempotencyKey>,
    /// The vendor's own codes; a reference is the place in this list.
    pub(crate) codes: Vec<VendorCode>,
}

pub(crate) struct VendorCode {
    pub(crate) code: String,
    pub(crate) made: Duration,
    pub(crate) wrong: u32,
    pub(crate) over: bool,
}

#[derive(Default)]
pub(crate) struct Vendor(Mutex<State>);

impl Vendor {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}
