//! The log of requests to the vendors.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use crate::vendors::Vendor;

const NEWEST: usize = 10_000;

/// A request that a vendor read to its end, with any answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SeenRequest {
    /// The vendor.
    pub vendor: Vendor,
    /// The HTTP method.
    pub method: String,
    /// The path at the vendor (`/send`, not `/easyotp/api/v1/send`), without the query.
    pub path: String,
    /// The time, by the emulator's clock (RFC 3339).
    pub at: String,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    newest: VecDeque<SeenRequest>,
    counts: BTreeMap<Vendor, u64>,
}

impl RequestLog {
    pub(crate) fn push(&mut self, request: SeenRequest) {
        if self.newest.len() == NEWEST {
            self.newest.pop_front();
        }
        *self.counts.entry(request.vendor).or_default() += 1;
        self.newest.push_back(request);
    }

    /// Returns how many requests were seen, including those that are no longer listed.
    pub(crate) fn count(&self, vendor: Option<Vendor>) -> u64 {
        match vendor {
            None => self.counts.values().sum(),
            Some(vendor) => self.counts.get(&vendor).copied().unwrap_or_default(),
        }
    }

    /// Returns the requests, oldest first.
    pub(crate) fn list(&self, vendor: Option<Vendor>) -> Vec<SeenRequest> {
        let fits = |request: &&SeenRequest| vendor.is_none_or(|vendor| vendor == request.vendor);
        self.newest.iter().filter(fits).cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_outlives_the_list() {
        let mut log = RequestLog::default();
        for _ in 0..=NEWEST {
            log.push(SeenRequest {
                vendor: Vendor::StartMessaging,
                method: "GET".to_owned(),
                path: "/otp/list".to_owned(),
                at: String::new(),
            });
        }
        assert_eq!(log.list(Some(Vendor::StartMessaging)).len(), NEWEST);
        assert_eq!(log.count(Some(Vendor::StartMessaging)), NEWEST as u64 + 1);
        assert_eq!(log.count(Some(Vendor::EasyOtp)), 0);
        assert_eq!(log.count(None), NEWEST as u64 + 1);
    }
}
