use metrics::{Unit, describe_counter, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Buckets in seconds, from the time of a store to the longest time of a vendor.
const BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Buckets in seconds of the time until a message is delivered: most take seconds, some an hour.
const DELIVERY_BUCKETS: [f64; 12] =
    [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// Collects the metrics of this process for `GET /metrics`. For programs, once: installs the
/// recorder of the `metrics` crate.
///
/// # Errors
///
/// A recorder is installed already.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)?
        .set_buckets_for_metric(
            Matcher::Full("otpmux_delivery_seconds".to_owned()),
            &DELIVERY_BUCKETS,
        )?
        .install_recorder()?;
    otpmux::admin::describe_metrics();
    otpmux::audit::describe_metrics();
    otpmux::events::describe_event_metrics();
    describe_metrics();
    Ok(handle)
}

/// Describes the gateway's metrics to the installed recorder of the `metrics` crate. The metrics of
/// the engine are described by [`otpmux::admin::describe_metrics`].
///
/// | metric | labels | value |
/// |---|---|---|
/// | `otpmux_http_requests_total` | `method`, `route`, `status` | requests answered; the status by its class, such as `4xx` |
/// | `otpmux_http_request_seconds` | `route` | how long they took |
/// | `otpmux_http_connections_refused_total` | `bound` | connections closed because there were as many as there may be: in `all`, or from their `address` |
pub fn describe_metrics() {
    describe_counter!("otpmux_http_requests_total", Unit::Count, "Requests answered, by route");
    describe_histogram!(
        "otpmux_http_request_seconds",
        Unit::Seconds,
        "How long requests took, by route"
    );
    describe_counter!(
        "otpmux_http_connections_refused_total",
        Unit::Count,
        "Connections closed because there were too many"
    );
}
