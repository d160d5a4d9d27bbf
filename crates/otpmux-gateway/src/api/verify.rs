use std::net::IpAddr;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use otpmux::{Code, Verdict, Verify};
use serde::Serialize;
use utoipa::ToSchema;

use super::create::{address, address_schema};
use super::idempotency::IdempotencyName;
use super::input::{Body, Id};
use super::problems::OfVerify;
use crate::app::App;
use crate::auth::Caller;
use crate::forwarded::ClientAddress;
use crate::problem::{Problem, seconds};

/// What the user typed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct VerifyCode {
    /// The code as the user typed or pasted it: digits of any script; spaces, dashes between
    /// digits and invisible characters do not matter.
    #[schema(example = "004217", min_length = 1, max_length = 64)]
    code: String,
    /// Who typed it. Wrong codes from one address then lock out nobody at another.
    client: Option<Guesser>,
}

/// The device that the code was typed on.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
struct Guesser {
    /// The address that the user's request came from.
    #[schema(schema_with = address_schema)]
    ip: Option<IpAddr>,
}

/// Whether to let them in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Verdict")]
pub(super) struct VerdictView {
    /// `approved`, and nothing else, lets them in.
    #[schema(value_type = VerdictWord)]
    verdict: &'static str,
    /// Codes that may still be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    guesses_left: Option<u32>,
    /// Seconds until a code may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// The answer to a code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum VerdictWord {
    Approved,
    WrongCode,
    Expired,
    AlreadyUsed,
    TooManyGuesses,
    NotFound,
    Rejected,
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        let (guesses_left, retry_after) = match &verdict {
            Verdict::WrongCode { guesses_left } => (*guesses_left, None),
            Verdict::TooManyGuesses { retry_after } => (None, retry_after.map(seconds)),
            _ => (None, None),
        };
        Self { verdict: verdict.as_str(), guesses_left, retry_after }
    }
}

/// Try a code
///
/// A code is approved once, wherever it is asked. A wrong one is an answer, not an error, and is
/// counted. Ids that are unknown, long gone or not yours all look alike. What cannot be a code is a
/// problem, whatever the id.
///
/// Without an answer, or with a problem whose blame is `internal`, ask again under the same
/// `Idempotency-Key`: the code is counted once, and gets the same verdict, an approval too.
#[utoipa::path(
    post,
    path = "/v1/verifications/{id}/verify",
    operation_id = "verify_code",
    tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Your name for this code as it was typed this time: said twice, it is \
                           counted once, and the verdict is the same. Kept as long as the \
                           verification. Another code needs another name.",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = VerifyCode,
    responses(
        (status = 200, description = "The verdict", body = VerdictView),
        OfVerify,
    ),
)]
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    ClientAddress(forwarded): ClientAddress,
    name: IdempotencyName,
    Body(mut body): Body,
) -> Result<Answer<VerdictView>, Problem> {
    let code = body.parsed("code", |code| {
        let fits = (1..=64).contains(&code.chars().count());
        if fits { Ok(code) } else { Err("must be 1 to 64 characters") }
    });
    let code = body.required("code", code);
    let client = body.object("client", address).flatten();
    let code = body.finish(code)?;
    // Before the id is looked at, so that the answer tells nothing about it.
    let code = code.parse::<Code>().map_err(Problem::not_a_code)?;
    let Some(id) = id else { return Ok(Answer(Verdict::NotFound.into())) };
    let mut verify = Verify::new();
    verify.client = client.or(forwarded);
    verify.idempotency_key = name.of_caller(&caller.name);
    let named = verify.idempotency_key.is_some();
    let verdict = async move { caller.client.verify_with(id, &code, verify).await };
    // Who has a name for it comes back for the verdict, though the connection broke: a vendor that
    // approves once must not be left half-way.
    let verdict = if named { app.to_the_end(verdict).await? } else { verdict.await? };
    Ok(Answer(verdict.into()))
}
