use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use otpmux::{Code, Selector, Verdict, Verify};
use utoipa::ToSchema;

use super::create::{address, address_schema};
use super::fields::Fields;
use super::idempotency::IdempotencyName;
use super::input::{Body, Id};
use super::problems::OfVerify;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::forwarded::ClientAddress;
use crate::problem::Problem;
use crate::views::VerdictView;

/// The code that the user typed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct VerifyCode {
    /// The code as the user typed or pasted it: digits of any script; spaces, dashes between
    /// digits and invisible characters do not matter.
    #[schema(example = "004217", min_length = 1, max_length = 64)]
    code: String,
    /// The device that the code was typed on. Wrong codes from one address then do not lock out
    /// users at other addresses.
    client: Option<Guesser>,
}

/// The device that the code was typed on.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct Guesser {
    /// The IP address that the user's request came from.
    #[schema(schema_with = address_schema)]
    ip: Option<IpAddr>,
}

/// Verify a code
///
/// A code is approved once, across all processes. A wrong code is a verdict, not an error, and
/// counts as a guess. Ids that are unknown, long expired or not visible to the API key get the same
/// verdict. A text that cannot be a code is a problem, whatever the id.
///
/// After no answer, or a problem whose blame is `internal`, repeat the request with the same
/// `Idempotency-Key`: the guess counts once and gets the same verdict, an approval included.
#[utoipa::path(
    post,
    path = "/v1/verifications/{id}/verify",
    operation_id = "verify_code",
    tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Makes a repeat safe: a request with the same key and code counts no \
                           guess and returns the same verdict. Valid as long as the \
                           verification. Another code needs another key.",
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
    let typed = Typed::read(&mut body);
    let typed = body.finish(typed)?;
    // Checked before the id is looked up, so that the answer reveals nothing about the id.
    let code = typed.code()?;
    let Some(id) = id else { return Ok(Answer((&Verdict::NotFound).into())) };
    let verify = typed.verify(forwarded, name, &caller);
    answer(&app, caller, id.into(), code, verify).await
}

/// What the user typed, and where.
pub(super) struct Typed {
    text: String,
    client: Option<IpAddr>,
}

impl Typed {
    /// Reads the fields `code` and `client`.
    pub(super) fn read(body: &mut Fields) -> Option<Self> {
        let text = body.parsed("code", |code| {
            let fits = (1..=64).contains(&code.chars().count());
            if fits { Ok(code) } else { Err("must be 1 to 64 characters") }
        });
        let text = body.required("code", text);
        let client = body.object("client", address).flatten();
        Some(Self { text: text?, client })
    }

    /// Returns the code.
    pub(super) fn code(&self) -> Result<Code, Problem> {
        self.text.parse::<Code>().map_err(Problem::not_a_code)
    }

    /// Returns the details of the guess.
    pub(super) fn verify(
        self,
        forwarded: Option<IpAddr>,
        name: IdempotencyName,
        caller: &Caller,
    ) -> Verify {
        let mut verify = Verify::new();
        verify.client = self.client.or(forwarded);
        verify.idempotency_key = name.of_caller(&caller.name);
        verify
    }
}

/// Checks a code, and returns the verdict.
pub(super) async fn answer(
    app: &App,
    caller: Caller,
    which: Selector,
    code: Code,
    verify: Verify,
) -> Result<Answer<VerdictView>, Problem> {
    let named = verify.idempotency_key.is_some();
    let verdict = async move { caller.client.verify_with(which, &code, verify).await };
    // A caller with an idempotency key asks again for the verdict after a broken connection. The
    // call to a vendor that approves only once must therefore run to its end.
    let verdict = if named { app.to_the_end(verdict).await? } else { verdict.await? };
    Ok(Answer((&verdict).into()))
}
