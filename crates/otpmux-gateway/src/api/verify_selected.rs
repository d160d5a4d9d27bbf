//! Verifying without an id: by recipient and purpose, or by the caller's own id.

use std::sync::Arc;

use axum::extract::State;
use otpmux::{CountryCode, ExternalId, OtpClient, Purpose, Selector};
use utoipa::ToSchema;

use super::create::{country_schema, recipient, recipient_schema};
use super::fields::Fields;
use super::idempotency::IdempotencyName;
use super::input::Body;
use super::problems::OfVerify;
use super::verify::{Guesser, Typed, answer};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::forwarded::ClientAddress;
use crate::problem::{Code, Problem};
use crate::views::VerdictView;

/// The code that the user typed, with what selects its verification: either `to` or `external_id`.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) enum VerifySelected {
    Recipient(VerifyRecipient),
    External(VerifyExternal),
}

/// The code that the user typed, for a recipient.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct VerifyRecipient {
    /// The recipient that the code was sent to, in any spelling that the send accepts.
    #[schema(schema_with = recipient_schema)]
    to: String,
    /// The country in whose national form `to` is written, if it is a number without a calling
    /// code; overrides the configuration's `default_country`.
    #[schema(schema_with = country_schema)]
    country: Option<String>,
    /// The purpose that the code was sent for. Default: `default`, as in a send.
    #[schema(example = "login", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    purpose: Option<String>,
    /// The code as the user typed or pasted it: digits of any script; spaces, dashes between
    /// digits and invisible characters do not matter.
    #[schema(example = "004217", min_length = 1, max_length = 64)]
    code: String,
    /// The device that the code was typed on. Wrong codes from one address then do not lock out
    /// users at other addresses.
    client: Option<Guesser>,
}

/// The code that the user typed, for a verification that the caller gave an id.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct VerifyExternal {
    /// The `external_id` of the send.
    #[schema(example = "order-4711", min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    external_id: String,
    /// The purpose that the code was sent for. Default: `default`, as in a send.
    #[schema(example = "login", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    purpose: Option<String>,
    /// The code as the user typed or pasted it: digits of any script; spaces, dashes between
    /// digits and invisible characters do not matter.
    #[schema(example = "004217", min_length = 1, max_length = 64)]
    code: String,
    /// The device that the code was typed on. Wrong codes from one address then do not lock out
    /// users at other addresses.
    client: Option<Guesser>,
}

/// Verify a code of a recipient
///
/// Checks the code of the newest verification of a recipient and purpose, or of the verification
/// that was sent with an `external_id`. So an application needs to keep nothing between the send and
/// the verify. Everything else is as in the verify by id: the same counts, the same verdicts, one
/// approval.
///
/// A recipient that has no verification gets the verdict `not_found`, and nothing is counted. Do
/// not show that to a user: it reveals whether a code was sent to a number. Show one message for
/// every verdict except `approved`.
#[utoipa::path(
    post,
    path = "/v1/verifications/verify",
    operation_id = "verify_recipient",
    tag = "verifications",
    params(
        ("Idempotency-Key" = Option<String>, Header,
            description = "Makes a repeat safe: a request with the same key and code counts no \
                           guess and returns the same verdict, also after a newer send. Valid \
                           as long as the verification. Another code needs another key.",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = VerifySelected,
    responses(
        (status = 200, description = "The verdict", body = VerdictView),
        OfVerify,
    ),
)]
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    caller: Caller,
    ClientAddress(forwarded): ClientAddress,
    name: IdempotencyName,
    Body(mut body): Body,
) -> Result<Answer<VerdictView>, Problem> {
    let which = selector(&mut body, &app.client);
    let typed = Typed::read(&mut body);
    let (which, typed) = body.finish(which.zip(typed))?;
    // Checked before a verification is looked up, so that the answer reveals nothing about one.
    let code = typed.code()?;
    let verify = typed.verify(forwarded, name, &caller);
    answer(&app, caller, which, code, verify).await
}

/// Reads what selects the verification.
fn selector(body: &mut Fields, reader: &OtpClient) -> Option<Selector> {
    let purpose = body.parsed("purpose", Purpose::new).unwrap_or_default();
    if body.has("external_id") && !body.has("to") && !body.has("country") {
        let id = body.parsed("external_id", ExternalId::new);
        return Some(Selector::external(body.required("external_id", id)?, purpose));
    }
    if body.has("external_id") {
        let message =
            "cannot be given with `to` or `country`: one of them selects the verification";
        body.string("external_id");
        body.mistake("external_id", Code::NotAllowed, message);
    }
    let to = recipient(body, reader);
    body.parsed("country", |text| text.parse::<CountryCode>());
    Some(Selector::recipient(to?, purpose))
}
