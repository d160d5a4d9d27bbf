use otpmux_core::ReceiptRequest;

use super::{ReceiptSecrets, SignatureError};

/// Characters of a token that otpmux makes for a message.
const TOKEN: usize = 39;

/// Returns the token in the URL of a receipt: the query parameter `token`, if it has the form of
/// one. A token that otpmux made proves itself, for its message only; the engine checks it. So a
/// vendor that calls the address of [`Context::receipt`](otpmux_core::Context::receipt) needs no
/// other secret.
///
/// # Errors
///
/// There is none of this form.
pub fn token_in_url(request: &ReceiptRequest<'_>) -> Result<String, SignatureError> {
    let token = request.query("token").ok_or(SignatureError::Missing)?;
    let is_token = token.len() == TOKEN
        && token.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
    if is_token { Ok(token.into_owned()) } else { Err(SignatureError::Unreadable) }
}

/// Checks the secret in the URL of a receipt: the query parameter `secret`. For vendors that call
/// one address for all messages of an account.
///
/// # Errors
///
/// It is absent, or none of the secrets.
pub fn check_secret_in_url(
    secrets: &ReceiptSecrets,
    request: &ReceiptRequest<'_>,
) -> Result<(), SignatureError> {
    secrets.check_text(&request.query("secret").ok_or(SignatureError::Missing)?)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use otpmux_core::Secret;

    use super::*;

    fn request(url: &str) -> ReceiptRequest<'_> {
        let at = SystemTime::UNIX_EPOCH;
        ReceiptRequest { method: "POST", url, headers: &[], body: b"", at }
    }

    #[test]
    fn a_token_has_a_form() {
        let token = "0123456789abcdefghijklmnopqrstuvwxyz012";
        let url = format!("https://a.example/r/p?x=1&token={token}");
        assert_eq!(token_in_url(&request(&url)).unwrap(), token);
        for bad in [&url[..url.len() - 1], &url.replace("abc", "ABC"), "https://a.example?token=0"]
        {
            assert_eq!(token_in_url(&request(bad)), Err(SignatureError::Unreadable), "{bad}");
        }
        assert_eq!(token_in_url(&request("https://a.example")), Err(SignatureError::Missing));
    }

    #[test]
    fn a_secret_in_the_url() {
        let secrets = ReceiptSecrets::new(Secret::new("a b")).with_old(Some(Secret::new("old")));
        let check = |url: &str| check_secret_in_url(&secrets, &request(url));
        assert_eq!(check("https://a.example?secret=a%20b"), Ok(()));
        assert_eq!(check("https://a.example?secret=old&x=1"), Ok(()));
        assert_eq!(check("https://a.example?secret="), Err(SignatureError::Mismatch));
        assert_eq!(check("https://a.example?Secret=old"), Err(SignatureError::Missing));
    }
}
