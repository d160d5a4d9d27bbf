use std::time::{Duration, SystemTime};

use super::{Digest, Encoding, ReceiptSecrets, SignatureError, check_fresh, hmac, same};

/// Checks one header that holds a time and signatures, `t=1700000000,v1=..`: HMAC-SHA256 over
/// `time.body`, under the text of a secret. `version` names the signatures that count (`v1`);
/// others are ignored. With several, one must fit. The time is Unix time in seconds.
///
/// # Errors
///
/// The header is absent or cannot be read, no signature of this version fits, or the time is
/// further from `now` than `window`.
pub fn check_timestamped(
    secrets: &ReceiptSecrets,
    header: Option<&str>,
    version: &str,
    encoding: Encoding,
    body: &[u8],
    now: SystemTime,
    window: Duration,
) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let (mut time, mut given) = (None, Vec::new());
    for (name, value) in header.split(',').filter_map(|part| part.trim().split_once('=')) {
        if name == "t" {
            // Two times would leave open which one is signed.
            if time.replace(value).is_some() {
                return Err(SignatureError::Unreadable);
            }
        } else if name == version {
            given.extend(encoding.decode(value));
        }
    }
    let time = time.filter(|_| !given.is_empty()).ok_or(SignatureError::Unreadable)?;
    let parts = [time.as_bytes(), b".", body];
    secrets.check(|secret| {
        let mac = hmac(Digest::Sha256, secret.expose().as_bytes(), &parts);
        given.iter().fold(false, |fits, one| fits | same(one, &mac))
    })?;
    check_fresh(time, now, window)
}

#[cfg(test)]
mod tests {
    use otpmux_core::Secret;

    use super::*;

    const BODY: &[u8] = br#"{"args":{"code":"482913"}}"#;

    fn signed(key: &str, time: &str, encoding: Encoding) -> String {
        encoding.encode(&hmac(Digest::Sha256, key.as_bytes(), &[time.as_bytes(), b".", BODY]))
    }

    fn check(header: &str, encoding: Encoding) -> Result<(), SignatureError> {
        let secrets = ReceiptSecrets::new(Secret::new("new")).with_old(Some(Secret::new("old")));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let window = Duration::from_secs(300);
        check_timestamped(&secrets, Some(header), "v1", encoding, BODY, now, window)
    }

    #[test]
    fn one_fitting_signature_of_either_secret_is_enough() {
        for encoding in [Encoding::Hex, Encoding::Base64] {
            for key in ["new", "old"] {
                let good = signed(key, "1000", encoding);
                for header in [
                    format!("t=1000,v1={good}"),
                    format!("t=1000, v1={good}"),
                    format!("v1=00,v1={good},t=1000,v0=zz"),
                ] {
                    assert_eq!(check(&header, encoding), Ok(()), "{header}");
                }
            }
        }
    }

    #[test]
    fn forged_stale_and_unreadable() {
        let good = signed("new", "1000", Encoding::Hex);
        let stale = signed("new", "699", Encoding::Hex);
        for (header, error) in [
            (format!("t=699,v1={stale}"), SignatureError::Stale),
            (format!("t=1001,v1={good}"), SignatureError::Mismatch),
            (format!("t=1000,v1={}", signed("x", "1000", Encoding::Hex)), SignatureError::Mismatch),
            (format!("t=1000,v2={good}"), SignatureError::Unreadable),
            (format!("t=1000,t=1000,v1={good}"), SignatureError::Unreadable),
            (format!("v1={good}"), SignatureError::Unreadable),
            ("t=1000,v1=zz".to_owned(), SignatureError::Unreadable),
            (String::new(), SignatureError::Unreadable),
        ] {
            assert_eq!(check(&header, Encoding::Hex), Err(error), "{header}");
        }
        let secrets = ReceiptSecrets::new(Secret::new("new"));
        let (now, window) = (SystemTime::UNIX_EPOCH, Duration::from_secs(300));
        let none = check_timestamped(&secrets, None, "v1", Encoding::Hex, BODY, now, window);
        assert_eq!(none, Err(SignatureError::Missing));
    }
}
