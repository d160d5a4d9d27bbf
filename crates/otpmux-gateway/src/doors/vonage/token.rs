//! Tokens of applications: JSON Web Tokens (RFC 7519), signed with RS256.

use std::time::{Duration, SystemTime};

use otpmux::http::signature::Encoding;
use serde_json::{Map, Value};

use super::Application;

/// How far clocks may differ.
const LEEWAY: u64 = 60;
/// No token is longer.
const LONGEST: usize = 8 * 1024;

/// Returns the application that signed a token which is valid now and lives no longer than `ttl`.
///
/// A token may be used until it expires, as at Vonage; its life is what bounds a replay. `None`
/// gives no reason: a stranger learns nothing.
pub(super) fn check<'a>(
    token: &[u8],
    applications: &'a [Application],
    ttl: Duration,
    now: SystemTime,
) -> Option<&'a Application> {
    let token = std::str::from_utf8(token).ok().filter(|token| token.len() <= LONGEST)?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    // The algorithm is never taken from the token: one that names another is refused.
    if object(header)?.get("alg").and_then(Value::as_str) != Some("RS256") {
        return None;
    }
    let claims = object(claims)?;
    let id = claims.get("application_id").and_then(Value::as_str)?;
    let application = applications.iter().find(|application| *application.id == *id)?;
    let signature = Encoding::Base64Url.decode(signature)?;
    let verifies = application.keys.iter().any(|key| key.verifies(signed.as_bytes(), &signature));
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    (verifies && is_fresh(&claims, ttl, now) && allows(&claims)).then_some(application)
}

fn is_fresh(claims: &Map<String, Value>, ttl: Duration, now: u64) -> bool {
    let time = |name: &str| claims.get(name).map(seconds);
    let (Some(Some(issued)), Some(Some(expiry))) = (time("iat"), time("exp")) else { return false };
    let begun = |at: Option<Option<u64>>| match at {
        None => true,
        Some(at) => at.is_some_and(|at| at <= now + LEEWAY),
    };
    let named = claims.get("jti").and_then(Value::as_str).is_some_and(|jti| !jti.is_empty());
    named
        && issued <= now + LEEWAY
        && begun(time("nbf"))
        && now < expiry.saturating_add(LEEWAY)
        && expiry.saturating_sub(issued) <= ttl.as_secs()
}

/// Whether the paths of a token, if it is limited to some, contain those of Verify v2.
fn allows(claims: &Map<String, Value>) -> bool {
    let Some(acl) = claims.get("acl") else { return true };
    let paths = acl.get("paths").and_then(Value::as_object);
    paths.is_some_and(|paths| paths.keys().any(|path| covers(path)))
}

/// Whether a pattern of paths contains all of `/v2/verify`: `*` is one part, `**` any number.
fn covers(pattern: &str) -> bool {
    let parts: Vec<_> = pattern.trim_start_matches('/').split('/').collect();
    let fits = |part: &str, name| part == "*" || part == name;
    match parts.as_slice() {
        ["**"] => true,
        [version, "**"] => fits(version, "v2"),
        [version, verify, "**"] => fits(version, "v2") && fits(verify, "verify"),
        _ => false,
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&Encoding::Base64Url.decode(part)?).ok()
}

/// A time with a fraction is a valid one.
fn seconds(value: &Value) -> Option<u64> {
    let fraction = || Duration::try_from_secs_f64(value.as_f64()?).ok();
    value.as_u64().or_else(|| fraction().map(|time| time.as_secs()))
}
