use axum::Json as Answer;
use otpmux::{Code, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use super::input::{Body, Id};
use super::problems::OfVerify;
use crate::auth::Caller;
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
    attempts_left: Option<u32>,
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
    TooManyAttempts,
    NotFound,
    Rejected,
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        let (attempts_left, retry_after) = match &verdict {
            Verdict::WrongCode { attempts_left } => (*attempts_left, None),
            Verdict::TooManyAttempts { retry_after } => (None, retry_after.map(seconds)),
            _ => (None, None),
        };
        Self { verdict: verdict.as_str(), attempts_left, retry_after }
    }
}

/// Try a code
///
/// A code is approved once, wherever it is asked. A wrong one is an answer, not an error, and is
/// counted. Ids that are unknown, long gone or not yours all look alike.
#[utoipa::path(
    post,
    path = "/v1/verifications/{id}/verify",
    operation_id = "verify_code",
    tag = "verifications",
    params(("id" = String, Path, description = "The verification")),
    request_body = VerifyCode,
    responses(
        (status = 200, description = "The verdict", body = VerdictView),
        OfVerify,
    ),
)]
pub(super) async fn verify(
    caller: Caller,
    Id(id): Id,
    Body(mut body): Body,
) -> Result<Answer<VerdictView>, Problem> {
    let code = body.parsed("code", |code| {
        let fits = (1..=64).contains(&code.chars().count());
        if fits { Ok(code) } else { Err("must be 1 to 64 characters") }
    });
    let code = body.required("code", code);
    let code = body.finish(code)?;
    let verdict = match (id, code.parse::<Code>()) {
        (None, _) => Verdict::NotFound,
        // Nobody sends such a code, so it is compared with none.
        (Some(_), Err(_)) => Verdict::WrongCode { attempts_left: None },
        (Some(id), Ok(code)) => caller.client.verify(id, &code).await?,
    };
    Ok(Answer(verdict.into()))
}
