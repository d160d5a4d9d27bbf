use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use http::Method;
use metrics::{Counter, Histogram};

/// The metrics of every request, each found once: a recorder takes much longer to find one than to
/// add to it.
#[derive(Default)]
pub(crate) struct RequestMetrics(RwLock<HashMap<RequestLabels, (Counter, Histogram)>>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    class: &'static str,
}

impl RequestMetrics {
    pub(super) fn count(&self, method: &Method, route: &'static str, status: u16, seconds: f64) {
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "DELETE" => "DELETE",
            _ => "other",
        };
        let class = match status {
            ..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let (requests, times) = self.of(RequestLabels { method, route, class });
        requests.increment(1);
        times.record(seconds);
    }

    fn of(&self, labels: RequestLabels) -> (Counter, Histogram) {
        // A map is whole at any time, so a poisoned one is too.
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&labels) {
            return known.clone();
        }
        let RequestLabels { method, route, class } = labels;
        let requests = metrics::counter!(
            "otpmux_http_requests_total",
            "method" => method, "route" => route, "status" => class
        );
        let times = metrics::histogram!("otpmux_http_request_seconds", "route" => route);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(labels).or_insert((requests, times)).clone()
    }
}
