//! Authentication: the account by key and secret, the application by JSON Web Token.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::Value;

use super::VonageVerifyAccount;
use super::answer::{problem, usual_error};
use crate::check::same_secret;
use crate::exchange::{Call, Reply};
use crate::system;

/// How far a client's clock may be ahead, in seconds.
const AHEAD: i64 = 60;

/// Returns the error for a call without right credentials.
pub(super) fn refusal(account: &VonageVerifyAccount, call: &Call) -> Option<Reply> {
    if let Some((key, secret)) = call.basic() {
        let fits = same_secret(&key, &account.api_key) & same_secret(&secret, &account.api_secret);
        return (!fits).then(|| usual_error(401));
    }
    let token = call.authorization("Bearer").unwrap_or_default();
    let Some(claims) = claims(account, token) else { return Some(usual_error(401)) };
    let of_us = claims["application_id"] == *account.application_id && claims["jti"].is_string();
    let (Some(issued), true) = (claims["iat"].as_i64(), of_us) else {
        return Some(usual_error(401));
    };
    // By the machine's clock, from which clients take the times of their tokens, too: the emulator's
    // may be advanced.
    let now = system::now().as_second();
    // Without `exp`, a token is good for 15 minutes.
    let expiry = claims["exp"].as_i64().unwrap_or(issued + 900);
    if issued > now + AHEAD {
        return Some(usual_error(401));
    }
    (expiry <= now)
        .then(|| problem(401, "jwt-expired", "Unauthorized", "The JWT provided has expired."))
}

/// Returns the claims of a token with a right signature.
fn claims(account: &VonageVerifyAccount, token: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let json = |part: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    };
    if json(header)?["alg"] != "RS256" {
        return None;
    }
    let key: String =
        account.public_key.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = BASE64_STANDARD.decode(key).ok()?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    key.verify(signed.as_bytes(), &signature).ok()?;
    json(claims)
}
