use std::time::{Duration, SystemTime};

use super::{DEFAULT_WINDOW, Digest, Encoding, ReceiptSecrets, SignatureError};
use super::{check_fresh, hmac, same};

/// The three headers of a webhook that is signed as the specification "Standard Webhooks" says.
/// Some vendors name them `svix-id` and so on.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the specification has these three")]
pub struct StandardWebhook<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`: Unix time in seconds.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`: one or more signatures with their version, separated by spaces. Some
    /// senders write a comma before each space.
    pub signature: Option<&'a str>,
}

/// Checks a webhook that is signed as [Standard Webhooks](https://www.standardwebhooks.com) says,
/// with a symmetric key: `v1`, HMAC-SHA256 over `id.timestamp.body`, within five minutes of now.
/// The secret may begin with `whsec_` or `v1,whsec_`; the rest is the key in base64.
///
/// # Errors
///
/// A header is absent or cannot be read, no signature of version 1 fits, or the time is not fresh.
pub fn check_standard_webhook(
    secrets: &ReceiptSecrets,
    headers: StandardWebhook<'_>,
    body: &[u8],
    now: SystemTime,
) -> Result<(), SignatureError> {
    check_standard_webhook_within(secrets, headers, body, now, DEFAULT_WINDOW)
}

/// Like [`check_standard_webhook`], with another distance that the signed time may have from now.
///
/// # Errors
///
/// As there.
pub fn check_standard_webhook_within(
    secrets: &ReceiptSecrets,
    headers: StandardWebhook<'_>,
    body: &[u8],
    now: SystemTime,
    window: Duration,
) -> Result<(), SignatureError> {
    let all = headers.id.zip(headers.timestamp).zip(headers.signature);
    let ((id, timestamp), signatures) = all.ok_or(SignatureError::Missing)?;
    let given: Vec<Vec<u8>> = signatures
        .split(' ')
        .filter_map(|one| Encoding::Base64.decode(one.strip_prefix("v1,")?.trim_end_matches(',')))
        .collect();
    if given.is_empty() {
        return Err(SignatureError::Unreadable);
    }
    let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    secrets.check(|secret| {
        let text = secret.expose();
        let text = text.strip_prefix("v1,").unwrap_or(text);
        let key = Encoding::Base64.decode(text.strip_prefix("whsec_").unwrap_or(text));
        key.is_some_and(|key| {
            let mac = hmac(Digest::Sha256, &key, &parts);
            given.iter().any(|one| same(one, &mac))
        })
    })?;
    check_fresh(timestamp, now, window)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use otpmux_core::Secret;

    use super::*;

    /// The example of the specification's own libraries (standard-webhooks, `webhook_test`).
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn check(secret: &str, signature: &str, at: u64) -> Result<(), SignatureError> {
        let headers = StandardWebhook {
            id: Some(ID),
            timestamp: Some("1614265330"),
            signature: Some(signature),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        let secrets = ReceiptSecrets::new(Secret::new(secret));
        check_standard_webhook(&secrets, headers, BODY, now)
    }

    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(check(SECRET, SIGNATURE, 1_614_265_330), Ok(()));
        assert_eq!(check(&SECRET[6..], SIGNATURE, 1_614_265_630), Ok(()));
        let several = format!("v1,{} v1a,x {SIGNATURE} v2,y", "A".repeat(44));
        assert_eq!(check(SECRET, &several, 1_614_265_030), Ok(()));
    }

    /// Supabase Auth joins the signatures of two secrets with a comma and a space, and shows a
    /// secret with the version before it.
    #[test]
    fn signatures_with_commas_and_a_secret_with_its_version() {
        let now = 1_614_265_330;
        let other = format!("v1,{}", Encoding::Base64.encode(&[7; 32]));
        for joined in [format!("{other}, {SIGNATURE}"), format!("{SIGNATURE}, {other}")] {
            assert_eq!(check(SECRET, &joined, now), Ok(()), "{joined}");
            assert_eq!(check(&format!("v1,{SECRET}"), &joined, now), Ok(()), "{joined}");
        }
        assert_eq!(check(SECRET, &format!("{other}, {other}"), now), Err(SignatureError::Mismatch));
    }

    #[test]
    fn another_window() {
        let headers = StandardWebhook {
            id: Some(ID),
            timestamp: Some("1614265330"),
            signature: Some(SIGNATURE),
        };
        let secrets = ReceiptSecrets::new(Secret::new(SECRET));
        let check = |at| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
            check_standard_webhook_within(&secrets, headers, BODY, now, Duration::from_secs(30))
        };
        assert_eq!(check(1_614_265_360), Ok(()));
        assert_eq!(check(1_614_265_361), Err(SignatureError::Stale));
    }

    #[test]
    fn forged_stale_and_unreadable() {
        let now = 1_614_265_330;
        assert_eq!(check(SECRET, SIGNATURE, now + 301), Err(SignatureError::Stale));
        assert_eq!(check("whsec_AAAA", SIGNATURE, now), Err(SignatureError::Mismatch));
        assert_eq!(check("no base64!", SIGNATURE, now), Err(SignatureError::Mismatch));
        assert_eq!(
            check(SECRET, &SIGNATURE.replace("v1,", "v2,"), now),
            Err(SignatureError::Unreadable)
        );
        let headers = StandardWebhook { id: None, timestamp: Some("1"), signature: Some("v1,AA") };
        let secrets = ReceiptSecrets::new(Secret::new(SECRET));
        let missing = check_standard_webhook(&secrets, headers, BODY, SystemTime::UNIX_EPOCH);
        assert_eq!(missing, Err(SignatureError::Missing));
    }
}
