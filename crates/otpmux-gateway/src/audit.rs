//! Entries of the audit log about the gateway itself: admin calls, reloads, requests beyond the
//! limit of an API key.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use otpmux::audit::{AuditEntry, AuditSink};
use otpmux::config::ConfigErrors;
use otpmux::provider::{Clock as _, SystemClock};
use otpmux::{OtpClient, Reloaded};

use crate::app::App;
use crate::auth::bearer;

/// Whose reload it is.
#[derive(Clone, Debug)]
pub(crate) enum By {
    /// The admin call of this API key.
    Api(Arc<str>),
    /// The process: a signal, or the program around the gateway.
    Process,
}

/// Records a call under `/v1/admin` by a known API key, and its status.
pub(crate) async fn admin(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).map(http::HeaderValue::as_bytes);
    let name = header.and_then(bearer).and_then(|key| {
        let settings = app.settings();
        settings.keys.find(key).map(|key| key.name.to_string())
    });
    let call = format!("{} {}", request.method(), without_ids(request.uri().path()));
    let response = next.run(request).await;
    let status = response.status();
    // Strangers cannot fill the log.
    if name.is_some() {
        app.client.audit(|| {
            let mut entry = entry("admin");
            entry.api_key = name;
            entry.outcome = Some(if status.is_success() { "done" } else { "refused" });
            entry.more.insert("call", call.into());
            entry.more.insert("status", status.as_u16().into());
            entry
        });
    }
    response
}

/// Records that an API key has made as many requests as it may.
pub(crate) fn too_many_requests(client: &OtpClient, api_key: &str) {
    client.audit(|| {
        let mut entry = entry("request");
        entry.api_key = Some(api_key.to_owned());
        entry.outcome = Some("rate_limited");
        entry.limit = Some("requests");
        entry
    });
}

/// A configuration as a reload has found it.
pub(crate) struct Read {
    pub(crate) fingerprint: String,
    /// The parts that differ from the configuration before.
    pub(crate) differs: Vec<String>,
}

/// Records a reload in the log before it and, if that is another one, in the log after it.
pub(crate) fn reloaded(
    client: &OtpClient,
    before: Option<Arc<dyn AuditSink>>,
    by: &By,
    read: Option<Read>,
    result: &Result<Reloaded, ConfigErrors>,
) {
    let after = client.audit_sink();
    if before.is_none() && after.is_none() {
        return;
    }
    let mut entry = entry("reload");
    let (word, api_key) = match by {
        By::Api(name) => ("api", Some(name.to_string())),
        By::Process => ("process", None),
    };
    entry.api_key = api_key;
    entry.more.insert("by", word.into());
    if let Some(Read { fingerprint, differs }) = read {
        entry.more.insert("configuration", fingerprint.into());
        entry.more.insert("differs", differs.into());
    }
    match result {
        Ok(reloaded) => {
            entry.outcome = Some("done");
            for (key, ids) in [("changed", &reloaded.changed), ("retired", &reloaded.retired)] {
                let names: Vec<_> = ids.iter().map(ToString::to_string).collect();
                entry.more.insert(key, names.into());
            }
        }
        Err(errors) => {
            entry.outcome = Some("refused");
            // Their messages may be long; the log of the gateway has them.
            let paths: Vec<_> = errors.iter().map(|error| error.path().to_owned()).collect();
            entry.more.insert("mistakes", paths.into());
        }
    }
    let same = |a: &Arc<dyn AuditSink>, b: &Arc<dyn AuditSink>| Arc::ptr_eq(a, b);
    if let Some(after) = &after
        && before.as_ref().is_none_or(|before| !same(before, after))
    {
        after.record(entry.clone());
    }
    if let Some(before) = before {
        before.record(entry);
    }
}

fn entry(event: &'static str) -> AuditEntry {
    AuditEntry::new(event, SystemClock.now())
}

/// A path without what its caller has chosen: an id has digits, and no word of the API has.
fn without_ids(path: &str) -> String {
    let word = |part: &str| {
        part == "v1" || part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let parts = path.split('/').map(|part| if word(part) { part } else { "{id}" });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_of_a_path_is_recorded() {
        for (path, recorded) in [
            ("/v1/admin/reload", "/v1/admin/reload"),
            ("/v1/admin/events/4f0a/retry", "/v1/admin/events/{id}/retry"),
            ("/v1/admin/events/+919876543210", "/v1/admin/events/{id}"),
            ("/v1/admin/events/a@b.example", "/v1/admin/events/{id}"),
        ] {
            assert_eq!(without_ids(path), recorded);
        }
    }
}
