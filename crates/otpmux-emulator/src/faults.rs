//! The present faults, by vendor.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::fault::{Fault, FaultKind};
use crate::vendors::Vendor;

/// The fault of each vendor, if it has one.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: BTreeMap<Vendor, Fault>,
    changes: watch::Sender<()>,
}

impl Faults {
    pub(crate) fn new(changes: watch::Sender<()>) -> Self {
        Self { changes, ..Self::default() }
    }

    pub(crate) fn set(&mut self, vendor: Vendor, fault: Fault) {
        self.active.insert(vendor, fault);
        self.changes.send_replace(());
    }

    pub(crate) fn clear(&mut self, vendor: Vendor) {
        self.active.remove(&vendor);
        self.changes.send_replace(());
    }

    pub(crate) fn get(&self, vendor: Vendor) -> Option<&Fault> {
        self.active.get(&vendor)
    }

    pub(crate) fn all(&self) -> BTreeMap<Vendor, Fault> {
        self.active.clone()
    }

    /// Returns whether the vendor refuses connections.
    pub(crate) fn is_down(&self, vendor: Vendor) -> bool {
        self.get(vendor).is_some_and(|fault| fault.kind == FaultKind::Refuse)
    }

    /// Returns the fault for this request, and counts the request.
    pub(crate) fn take(&mut self, vendor: Vendor, path: &str) -> Option<Fault> {
        let fault = self.active.get_mut(&vendor)?;
        if fault.endpoint.as_ref().is_some_and(|suffix| !path.ends_with(suffix.as_str())) {
            return None;
        }
        match &mut fault.count {
            None => Some(fault.clone()),
            Some(0) => {
                self.active.remove(&vendor);
                None
            }
            Some(left) => {
                *left -= 1;
                let taken = fault.clone();
                if fault.count == Some(0) {
                    self.active.remove(&vendor);
                }
                self.changes.send_replace(());
                Some(taken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_fault_ends() {
        let mut faults = Faults::default();
        faults.set(Vendor::EasyOtp, Fault::status(500).times(2).at("/send"));
        assert!(faults.take(Vendor::EasyOtp, "/verify").is_none());
        assert!(faults.take(Vendor::EasyOtp, "/send").is_some());
        assert!(faults.take(Vendor::StartMessaging, "/otp/send").is_none());
        assert!(faults.take(Vendor::EasyOtp, "/send").is_some());
        assert!(faults.take(Vendor::EasyOtp, "/send").is_none());
        assert!(faults.get(Vendor::EasyOtp).is_none());
    }
}
