//! The handlers of each step. Every form answers with a redirect to the only page, so that no
//! address contains a number or a code, and going back sends nothing twice.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Form, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use otpmux::{
    ClientContext, Code, Error, ErrorKind, NewVerification, OtpClient, Purpose, Resend, Verify,
};
use serde::Deserialize;

use crate::page;
use crate::session::{Session, Sessions, Step};

#[derive(Clone)]
struct App {
    client: OtpClient,
    sessions: Sessions,
}

pub(crate) fn router(client: OtpClient) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/number", post(number))
        .route("/code", post(code))
        .route("/again", post(again))
        .route("/leave", post(leave))
        .route("/login.js", get(([(header::CONTENT_TYPE, "text/javascript")], page::SCRIPT)))
        .route("/login.css", get(([(header::CONTENT_TYPE, "text/css")], page::STYLE)))
        .layer(from_fn(guard))
        .with_state(App { client, sessions: Sessions::default() })
}

async fn show(State(app): State<App>, headers: HeaderMap) -> Html<String> {
    let session = app.sessions.of(&headers).map(|(_, session)| session);
    Html(page::render(&session.unwrap_or_default()))
}

#[derive(Deserialize)]
struct Number {
    number: String,
}

async fn number(
    State(app): State<App>,
    Extension(ConnectInfo(peer)): Extension<ConnectInfo<SocketAddr>>,
    headers: HeaderMap,
    Form(form): Form<Number>,
) -> Response {
    // With its calling code, or in the national form of the policy's `default_country`.
    let Ok(to) = app.client.read_recipient(&form.number, None) else {
        let notice = "Please type your number with its country, such as +91 98765 43210.";
        return app.turn(&headers, Step::Number, Some(notice.to_owned()));
    };
    let mut new = NewVerification::to(to);
    let Ok(purpose) = Purpose::new("login") else { return page::broken() };
    new.options.purpose = purpose;
    // For the limits per network. Behind a proxy, take the address from the proxy's header.
    let mut device = ClientContext::new();
    device.ip = Some(peer.ip());
    match app.client.send(new.from_client(device)).await {
        Ok(sent) => app.turn(&headers, Step::Code(Box::new(sent)), None),
        Err(error) => app.turn(&headers, Step::Number, Some(refusal(&error))),
    }
}

#[derive(Deserialize)]
struct Typed {
    code: String,
}

async fn code(
    State(app): State<App>,
    Extension(ConnectInfo(peer)): Extension<ConnectInfo<SocketAddr>>,
    headers: HeaderMap,
    Form(form): Form<Typed>,
) -> Response {
    let Some((_, Session { step: Step::Code(sent), .. })) = app.sessions.of(&headers) else {
        return Redirect::to("/").into_response();
    };
    let verdict = match form.code.parse::<Code>() {
        // Wrong codes from one address lock out no user at another.
        Ok(code) => {
            let verify = Verify::new().from_client(peer.ip());
            app.client.verify_with(sent.id, &code, verify).await
        }
        // No vendor sends such a code.
        Err(_) => Ok(otpmux::Verdict::Rejected),
    };
    match verdict {
        Ok(verdict) if verdict.is_approved() => app.turn(&headers, Step::In(sent.to), None),
        // Wrong, expired, used, locked: a stranger need not know which.
        Ok(_) => {
            let notice = "This code does not let you in. Type the newest one, or begin again.";
            app.turn(&headers, Step::Code(sent), Some(notice.to_owned()))
        }
        Err(error) => app.turn(&headers, Step::Code(sent), Some(refusal(&error))),
    }
}

async fn again(State(app): State<App>, headers: HeaderMap) -> Response {
    let Some((_, Session { step: Step::Code(sent), .. })) = app.sessions.of(&headers) else {
        return Redirect::to("/").into_response();
    };
    match app.client.resend(sent.id, Resend::new()).await {
        Ok(sent) => {
            let notice = "We have sent the code again.".to_owned();
            app.turn(&headers, Step::Code(Box::new(sent)), Some(notice))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            app.turn(&headers, Step::Number, Some("Please begin again.".to_owned()))
        }
        Err(error) => app.turn(&headers, Step::Code(sent), Some(refusal(&error))),
    }
}

async fn leave(State(app): State<App>, headers: HeaderMap) -> Response {
    app.turn(&headers, Step::Number, None)
}

impl App {
    /// Goes to the next step, and to the page that shows it.
    fn turn(&self, headers: &HeaderMap, step: Step, notice: Option<String>) -> Response {
        let old = self.sessions.of(headers).map(|(name, _)| name);
        match self.sessions.put(old.as_deref(), Session { step, notice }) {
            Some(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
            None => page::broken(),
        }
    }
}

/// Returns the part of an error that a user may see. The error holds no personal data, so it can be
/// logged whole.
fn refusal(error: &Error) -> String {
    println!("no code sent or looked at: {error}");
    match (error.kind(), error.retry_after()) {
        (ErrorKind::InvalidRecipient | ErrorKind::Unsupported, _) => {
            "We cannot send codes to this number.".to_owned()
        }
        (_, Some(wait)) => {
            format!("Please wait: it works again in {}.", page::duration(wait))
        }
        _ => "That did not work. Please try again in a moment.".to_owned(),
    }
}

/// For every request: a form must come from this page, the browser stores nothing, and the page
/// loads nothing from other origins and cannot be framed.
async fn guard(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && !is_from_our_page(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Returns whether a form comes from this page: browsers send its origin. Together with `SameSite`,
/// no other site can submit a form from a visitor's browser.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    matches!((origin, text(header::HOST)), (Some((_, from)), Some(host)) if from == host)
}
