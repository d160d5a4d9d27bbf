//! Traces for OpenTelemetry, by OTLP over HTTP, configured with the standard environment variables.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use opentelemetry::trace::{SpanKind, TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter as Export};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Either of these variables enables the export.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

/// The exporter. Dropping it exports the rest, within five seconds.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Returns `None` without an endpoint, or if `OTEL_SDK_DISABLED` is true.
    ///
    /// # Errors
    ///
    /// The variables are invalid.
    pub(crate) fn of_environment() -> Result<Option<Self>, String> {
        // The exporter would treat a variable that it cannot read as absent.
        let named = |name: &OsString| name.as_encoded_bytes().starts_with(b"OTEL_");
        let unreadable =
            |(name, value): &(OsString, OsString)| named(name) && value.to_str().is_none();
        if let Some((name, _)) = env::vars_os().find(unreadable) {
            let name = name.to_string_lossy();
            return Err(format!("the environment variable `{name}` is not UTF-8 text"));
        }
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let off = env::var("OTEL_SDK_DISABLED").is_ok_and(|it| it.eq_ignore_ascii_case("true"));
        if off || !ENDPOINTS.into_iter().any(is_set) {
            return Ok(None);
        }
        let exporter =
            SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).build();
        // The error would repeat the address, which may hold a password.
        let exporter = exporter.map_err(|_| {
            "cannot export traces as the variables OTEL_EXPORTER_OTLP_* say: the endpoint must be a \
             URL, headers NAME=VALUE, timeouts milliseconds"
        })?;
        let mut resource = Resource::builder();
        let attributes = env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        if !is_set("OTEL_SERVICE_NAME") && !attributes.contains("service.name=") {
            resource = resource.with_service_name("otpmux");
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(Conventional(exporter))
            .build();
        Ok(Some(Self(provider)))
    }

    /// Exports these spans and their events: the same as the logs.
    pub(crate) fn layer<S>(&self, spans: Targets) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        OpenTelemetryLayer::new(self.0.tracer("otpmux"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(spans)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // The process ends, so a failure is not reported.
        let _ = self.0.shutdown();
    }
}

/// Sets the kind and the conventional name of spans, which logs do not need.
#[derive(Debug)]
struct Conventional<E>(E);

impl<E: Export> Export for Conventional<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(name);
        let result = self.0.export(batch).await;
        if result.is_err() {
            tracing::warn!("traces were not taken by the endpoint");
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn name(span: &mut SpanData) {
    let (kind, parts) = match &*span.name {
        "request" => (SpanKind::Server, ["http.request.method", "http.route"]),
        "call" => (SpanKind::Client, ["call", "provider"]),
        _ => return,
    };
    let value = |key: &str| {
        let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
        found.map_or_else(String::new, |attribute| attribute.value.to_string())
    };
    let [first, second] = parts.map(value);
    span.name = format!("{first} {second}").into();
    span.span_kind = kind;
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}
