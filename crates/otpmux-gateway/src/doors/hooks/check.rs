//! Whether a request comes from the configured caller.

use std::time::SystemTime;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use otpmux::config::HookCheck;
use otpmux::http::signature::{
    Digest, Encoding, SignatureError, StandardWebhook, check_standard_webhook_within,
    check_timestamped,
};

use super::settings::Hook;
use crate::auth::bearer;

/// Checks a request. `body` matters only for a hook that [signs it](Hook::signs_body).
///
/// # Errors
///
/// The proof is absent, cannot be read, does not fit, or is stale.
pub(super) fn check(
    hook: &Hook,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<(), SignatureError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let secrets = &hook.secrets;
    match &hook.door.check {
        HookCheck::Bearer => {
            let header = headers.get(AUTHORIZATION).ok_or(SignatureError::Missing)?;
            let token = bearer(header.as_bytes()).and_then(|token| str::from_utf8(token).ok());
            secrets.check_text(token.ok_or(SignatureError::Unreadable)?)
        }
        HookCheck::Basic { user } => secrets.check_basic(user, text(AUTHORIZATION.as_str())),
        HookCheck::Header { header } => {
            secrets.check_text(text(header).ok_or(SignatureError::Missing)?.trim())
        }
        HookCheck::HmacHex { header } => {
            let given = text(header).ok_or(SignatureError::Missing)?;
            secrets.check_hmac(Digest::Sha256, Encoding::Hex, &[body], given.trim())
        }
        HookCheck::TV1 { header } => {
            let header = text(header);
            check_timestamped(secrets, header, "v1", Encoding::Hex, body, now, hook.window())
        }
        HookCheck::TV2 { header } => {
            let header = text(header);
            check_timestamped(secrets, header, "v2", Encoding::Base64, body, now, hook.window())
        }
        HookCheck::StandardWebhooks => {
            let headers = StandardWebhook {
                id: text("webhook-id"),
                timestamp: text("webhook-timestamp"),
                signature: text("webhook-signature"),
            };
            check_standard_webhook_within(secrets, headers, body, now, hook.window())
        }
        // The configuration crate adds ways of checking only together with this function.
        _ => Err(SignatureError::Unreadable),
    }
}
