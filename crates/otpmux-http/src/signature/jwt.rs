use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::{Digest, Encoding, ReceiptSecrets, SignatureError, check_fresh_time, hmac, same};

/// Checks a JSON Web Token that is signed with HMAC-SHA256, and returns its claims. `token` may
/// begin with `Bearer `.
///
/// The algorithm is never taken from the token: one that names another is refused. `iat` must be
/// there and within `window` of now; `exp`, if it is there, must not be over for longer than that.
///
/// # Errors
///
/// The token cannot be read, is signed with another secret or algorithm, or is stale.
pub fn check_jwt_hs256(
    secrets: &ReceiptSecrets,
    token: &str,
    now: SystemTime,
    window: Duration,
) -> Result<Map<String, Value>, SignatureError> {
    let token = match token.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        Some(_) => return Err(SignatureError::Unreadable),
        None => token,
    };
    let (signed, signature) = token.rsplit_once('.').ok_or(SignatureError::Unreadable)?;
    let (header, claims) = signed.split_once('.').ok_or(SignatureError::Unreadable)?;
    if object(header)?.get("alg").and_then(Value::as_str) != Some("HS256") {
        return Err(SignatureError::Unreadable);
    }
    let given = Encoding::Base64Url.decode(signature).ok_or(SignatureError::Unreadable)?;
    secrets.check(|secret| {
        same(&hmac(Digest::Sha256, secret.expose().as_bytes(), &[signed.as_bytes()]), &given)
    })?;
    let claims = object(claims)?;
    let issued = time(&claims, "iat")?.ok_or(SignatureError::Missing)?;
    check_fresh_time(issued, now, window)?;
    match time(&claims, "exp")? {
        Some(expiry) if now.duration_since(expiry).is_ok_and(|over| over > window) => {
            Err(SignatureError::Stale)
        }
        _ => Ok(claims),
    }
}

fn object(part: &str) -> Result<Map<String, Value>, SignatureError> {
    let bytes = Encoding::Base64Url.decode(part).ok_or(SignatureError::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| SignatureError::Unreadable)
}

fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<SystemTime>, SignatureError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_u64().or_else(|| whole(value.as_f64()?));
    let time = seconds.and_then(|s| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(s)));
    time.map(Some).ok_or(SignatureError::Unreadable)
}

/// A time with a fraction is a valid `NumericDate`.
fn whole(seconds: f64) -> Option<u64> {
    Duration::try_from_secs_f64(seconds).ok().map(|time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use otpmux_core::Secret;
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn token(header: &Value, claims: &Value, key: &str) -> String {
        let part = |value: &Value| Encoding::Base64Url.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let mac = hmac(Digest::Sha256, key.as_bytes(), &[signed.as_bytes()]);
        format!("{signed}.{}", Encoding::Base64Url.encode(&mac))
    }

    fn check(token: &str) -> Result<Map<String, Value>, SignatureError> {
        let secrets = ReceiptSecrets::new(Secret::new("new")).with_old(Some(Secret::new("old")));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        check_jwt_hs256(&secrets, token, now, Duration::from_mins(5))
    }

    #[test]
    fn a_token_of_either_secret_gives_its_claims() {
        let (header, claims) = (json!({"alg": "HS256", "typ": "JWT"}), json!({"iat": NOW, "a": 1}));
        for key in ["new", "old"] {
            let token = token(&header, &claims, key);
            assert_eq!(check(&token).unwrap()["a"], 1);
            assert_eq!(check(&format!("Bearer {token}")).unwrap()["a"], 1);
        }
        let fraction = token(&header, &json!({"iat": 1_699_999_999.5}), "new");
        assert!(check(&fraction).is_ok());
    }

    #[test]
    fn another_kind_of_token_is_refused() {
        let (header, good) = (json!({"alg": "HS256"}), json!({"iat": NOW}));
        let with = |claims: Value| token(&header, &claims, "new");
        let valid = with(good.clone());
        let (signed, signature) = valid.rsplit_once('.').unwrap();
        let other = with(json!({"iat": NOW, "admin": true}));
        for (token, why) in [
            (token(&header, &good, "other"), SignatureError::Mismatch),
            (token(&json!({"alg": "none"}), &good, "new"), SignatureError::Unreadable),
            (token(&json!({"alg": "RS256"}), &good, "new"), SignatureError::Unreadable),
            (token(&json!({}), &good, "new"), SignatureError::Unreadable),
            (format!("{signed}."), SignatureError::Mismatch),
            (
                format!("{}.{signature}", other.rsplit_once('.').unwrap().0),
                SignatureError::Mismatch,
            ),
            (signed.to_owned(), SignatureError::Unreadable),
            (format!("Basic {valid}"), SignatureError::Unreadable),
            (String::new(), SignatureError::Unreadable),
            (with(json!({})), SignatureError::Missing),
            (with(json!({"iat": "now"})), SignatureError::Unreadable),
            (with(json!({"iat": -1})), SignatureError::Unreadable),
            (with(json!({"iat": NOW - 301})), SignatureError::Stale),
            (with(json!({"iat": NOW + 301})), SignatureError::Stale),
            (with(json!({"iat": NOW, "exp": NOW - 301})), SignatureError::Stale),
        ] {
            assert_eq!(check(&token).unwrap_err(), why, "{token}");
        }
    }

    /// The example of RFC 7515, appendix A.1: a key, a token with line breaks inside, its claims.
    #[test]
    fn the_example_of_the_standard_has_the_right_signature() {
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = Encoding::Base64Url.decode(key).unwrap();
        let mac = hmac(Digest::Sha256, &key, &[signed.as_bytes()]);
        assert_eq!(Encoding::Base64Url.encode(&mac), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }
}
