//! Hooks: auth servers that make and check their own codes have them delivered.

mod answer;
mod authgear;
mod check;
mod read;
mod refusal;
mod settings;
mod supabase;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use otpmux::config::{HookAnswers, HookDoor};
use otpmux::http::signature::SignatureError;
use otpmux::provider::{Clock as _, SystemClock};
use otpmux::{ClientContext, Error, NewDelivery};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;

use answer::{Accepted, respond};
use read::{Message, Wanted};
use refusal::Refusal;
use settings::Hook;

pub(crate) use settings::Hooks;

use crate::app::App;
use crate::body;

/// The largest body. Supabase writes the user's own metadata into it.
const LARGEST: usize = 256 * 1024;

/// The label of every hook in metrics.
pub(super) const LABEL: &str = "/hooks/{name}";

/// A hook as it is mounted at the start; a reload changes the hook of this name, not its path.
#[derive(Debug)]
pub(super) struct Mount {
    name: Arc<str>,
    path: Box<str>,
    answers: HookAnswers,
}

impl Mount {
    pub(super) fn new(door: &HookDoor) -> Self {
        Self {
            name: door.name.as_str().into(),
            path: door.path.as_str().into(),
            answers: door.answers,
        }
    }

    pub(super) fn is_at(&self, path: &str) -> bool {
        *self.path == *path
    }
}

/// Returns the routes of all hooks; `None` without any.
pub(super) fn router(mounts: &[Mount]) -> Option<Router<Arc<App>>> {
    if mounts.is_empty() {
        return None;
    }
    let route = |router: Router<Arc<App>>, mount: &Mount| {
        let (name, answers) = (Arc::clone(&mount.name), mount.answers);
        let handler = move |State(app): State<Arc<App>>, request: Request| async move {
            answer(&app, &name, answers, request).await
        };
        router.route(&mount.path, any(handler))
    };
    Some(mounts.iter().fold(Router::new(), route))
}

async fn answer(app: &Arc<App>, name: &str, answers: HookAnswers, request: Request) -> Response {
    let begun = Instant::now();
    // Not held while a vendor is slow.
    let hook = app.settings().doors.hooks.find(name);
    let answers = hook.as_ref().map_or(answers, |hook| hook.door.answers);
    let outcome = match &hook {
        Some(hook) => take(app, hook, request, begun).await,
        // A reload has removed it.
        None => Err(Refusal::not_found()),
    };
    if let Err(refusal) = &outcome {
        tracing::info!(hook = name, kind = refusal.kind, "hook refused");
    }
    respond(answers, outcome)
}

async fn take(
    app: &Arc<App>,
    hook: &Hook,
    request: Request,
    begun: Instant,
) -> Result<Accepted, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        return Err(Refusal::method_not_allowed());
    }
    let check = |body: &[u8]| {
        check::check(hook, &parts.headers, body, SystemClock.now()).map_err(|error| {
            tracing::info!(hook = &*hook.name, reason = reason(error), "hook not authenticated");
            Refusal::unauthenticated()
        })
    };
    if !hook.signs_body() {
        check(&[])?;
    }
    let is_form = is_form(&parts, hook)?;
    let body = body::read(body, LARGEST).await.map_err(Refusal::of_body)?;
    if hook.signs_body() {
        check(&body)?;
    }
    hook.pace.take(Instant::now()).map_err(Refusal::too_many_requests)?;
    let wanted = read::read(hook, is_form, &body, &app.client)?;
    deliver(app, hook, wanted, begun + hook.door.deadline).await
}

/// Returns why a proof is none, for the log.
fn reason(error: SignatureError) -> &'static str {
    match error {
        SignatureError::Missing => "missing",
        SignatureError::Mismatch => "mismatch",
        SignatureError::Stale => "stale",
        _ => "unreadable",
    }
}

fn is_form(parts: &Parts, hook: &Hook) -> Result<bool, Refusal> {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(false);
    }
    let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if is_form && hook.door.urlencoded {
        return Ok(true);
    }
    Err(Refusal::unsupported_media_type(hook.door.urlencoded))
}

/// Delivers each message, and answers by the deadline. A delivery that takes longer goes on: its
/// message may be out already, and an auth server that got an error would give its code up.
async fn deliver(
    app: &Arc<App>,
    hook: &Hook,
    wanted: Wanted,
    deadline: Instant,
) -> Result<Accepted, Refusal> {
    let client = app.client.scoped(hook.scope.clone()).of_tenant(Arc::clone(&hook.name));
    let Wanted { messages, locale, ip, channel, name } = wanted;
    let deliveries: Vec<_> = messages
        .into_iter()
        .enumerate()
        .map(|(at, Message { to, code, text })| {
            let mut new = NewDelivery::of(code, to);
            new.options.purpose = hook.door.purpose.clone();
            new.options.ttl = Some(hook.door.ttl);
            (new.options.channel, new.options.locale, new.options.message) =
                (channel.clone(), locale.clone(), text);
            let mut context = ClientContext::new();
            context.ip = ip;
            new.options.client = context;
            // As with API keys, so that the names of several callers are kept apart.
            new.options.idempotency_key = Some(format!("{} hook-{at}-{name}", hook.name));
            new
        })
        .collect();
    let all = async move {
        let mut first = None;
        for new in deliveries {
            let delivery = client.deliver(new).await?;
            first.get_or_insert(delivery);
        }
        Ok::<_, Error>(first)
    };
    // A task, so that it ends also if nothing waits for it any more.
    let task = app.calls.spawn(Box::pin(all).in_current_span());
    let at = SystemClock.now();
    match timeout_at(deadline, task).await {
        Ok(Ok(Ok(delivery))) => Ok(Accepted {
            id: delivery.as_ref().map(|delivery| delivery.id.to_string()),
            confirmed: delivery.is_some_and(|delivery| delivery.confirmed),
            at,
        }),
        Ok(Ok(Err(error))) => Err(Refusal::from(&error)),
        Ok(Err(_)) => Err(Refusal::internal()),
        Err(_) => {
            tracing::warn!(hook = &*hook.name, "answered at its deadline; the delivery goes on");
            Ok(Accepted { id: None, confirmed: false, at })
        }
    }
}
