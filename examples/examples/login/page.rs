//! The page, at each of its steps. It works without its script; with it, a phone can fill in the
//! code.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use otpmux::Verification;
use otpmux::errors::seconds_rounded_up;
use otpmux::provider::{Clock as _, SystemClock};

use crate::session::{Session, Step};

pub(crate) const SCRIPT: &str = include_str!("login.js");
pub(crate) const STYLE: &str = include_str!("login.css");

pub(crate) fn render(session: &Session) -> String {
    let notice = session
        .notice
        .as_deref()
        .map(|text| format!(r#"<p role="status" id="notice">{}</p>"#, escaped(text)));
    let step = match &session.step {
        Step::Number => number(),
        Step::Code(sent) => code(sent),
        Step::In(to) => inside(to),
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in</title>
<link rel="stylesheet" href="/login.css">
<script src="/login.js" defer></script>
</head>
<body><main>
{}
{step}
</main></body>
</html>
"#,
        notice.unwrap_or_default()
    )
}

fn number() -> String {
    r#"<h1>Log in</h1>
<form method="post" action="/number">
<label for="number">Your mobile number</label>
<input id="number" name="number" type="tel" autocomplete="tel" required autofocus
 placeholder="+91 98765 43210">
<button>Send me a code</button>
</form>"#
        .to_owned()
}

fn code(sent: &Verification) -> String {
    // A vendor's own code may have any length. There is no `pattern`: a code that is pasted with
    // spaces around it is valid, and the server parses it.
    let what = match sent.code_length {
        Some(digits) => format!("{digits} digits"),
        None => "code".to_owned(),
    };
    let wait = sent.resend_after.duration_since(SystemClock.now()).unwrap_or_default();
    format!(
        r#"<h1>Type your code</h1>
<form method="post" action="/code" id="verify">
<label for="code">The {what} that we {have} sent to {to}</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required
 autofocus title="{what}">
<button>Log in</button>
</form>
<form method="post" action="/again">
<button id="again" class="quiet" data-wait="{seconds}">Send it again</button>
</form>
<form method="post" action="/leave"><button class="quiet">Begin again</button></form>"#,
        have = if sent.confirmed { "have" } else { "may have" },
        to = escaped(&sent.to),
        seconds = seconds_rounded_up(wait),
    )
}

fn inside(to: &str) -> String {
    format!(
        r#"<h1>Welcome</h1>
<p>You are in as {}.</p>
<form method="post" action="/leave"><button>Log out</button></form>"#,
        escaped(to)
    )
}

pub(crate) fn broken() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "Please try again in a moment.").into_response()
}

/// Formats a wait in words, rounded up: after this time the wait is certainly over.
pub(crate) fn duration(wait: Duration) -> String {
    match seconds_rounded_up(wait) {
        seconds @ 0..=90 => format!("{seconds} seconds"),
        seconds @ 91..=5400 => format!("{} minutes", seconds.div_ceil(60)),
        seconds => format!("{} hours", seconds.div_ceil(3600)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
