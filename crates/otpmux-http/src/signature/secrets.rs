use otpmux_core::Secret;

use super::{Digest, Encoding, SignatureError, hmac, same};

/// The secrets that a receipt may be signed with: the one in force, and during a rotation the one
/// before.
#[derive(Clone, Debug)]
pub struct ReceiptSecrets {
    current: Secret,
    old: Option<Secret>,
}

impl ReceiptSecrets {
    /// Returns secrets of which one is in force and none is old.
    pub fn new(current: Secret) -> Self {
        Self { current, old: None }
    }

    /// Adds the secret of before the rotation.
    pub fn with_old(mut self, old: Option<Secret>) -> Self {
        self.old = old;
        self
    }

    /// Returns the secrets, the one in force first.
    pub fn iter(&self) -> impl Iterator<Item = &Secret> {
        std::iter::once(&self.current).chain(&self.old)
    }

    /// Checks an HMAC over these parts, whose key is the text of a secret.
    ///
    /// # Errors
    ///
    /// The signature cannot be read, or no secret makes it.
    pub fn check_hmac(
        &self,
        digest: Digest,
        encoding: Encoding,
        parts: &[&[u8]],
        signature: &str,
    ) -> Result<(), SignatureError> {
        let given = encoding.decode(signature).ok_or(SignatureError::Unreadable)?;
        self.check(|secret| same(&hmac(digest, secret.expose().as_bytes(), parts), &given))
    }

    /// Checks a secret that the vendor sends as it is: in the URL, or as a password.
    ///
    /// # Errors
    ///
    /// It is none of the secrets.
    pub fn check_text(&self, given: &str) -> Result<(), SignatureError> {
        self.check(|secret| same(secret.expose().as_bytes(), given.as_bytes()))
    }

    /// Checks the header `Authorization` of a vendor that calls with user and password.
    ///
    /// # Errors
    ///
    /// It is absent, not of this form, or holds another user or none of the secrets.
    pub fn check_basic(
        &self,
        user: &str,
        authorization: Option<&str>,
    ) -> Result<(), SignatureError> {
        let header = authorization.ok_or(SignatureError::Missing)?;
        let (scheme, given) = header.split_once(' ').ok_or(SignatureError::Unreadable)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(SignatureError::Unreadable);
        }
        let given = Encoding::Base64.decode(given.trim()).ok_or(SignatureError::Unreadable)?;
        self.check(|secret| same(format!("{user}:{}", secret.expose()).as_bytes(), &given))
    }

    /// Checks something else against each secret, for signatures that have no function here.
    /// Compare with [`same`].
    ///
    /// # Errors
    ///
    /// `fits` is true for no secret.
    pub fn check(&self, fits: impl Fn(&Secret) -> bool) -> Result<(), SignatureError> {
        // Each secret is tried, so that the time does not show which one it is.
        let found = self.iter().fold(false, |found, secret| found | fits(secret));
        if found { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> ReceiptSecrets {
        ReceiptSecrets::new(Secret::new("new")).with_old(Some(Secret::new("old")))
    }

    #[test]
    fn a_rotation_accepts_both_secrets_and_no_third() {
        let signed = |key: &[u8]| Encoding::Base64.encode(&hmac(Digest::Sha1, key, &[b"body"]));
        let check =
            |text: &str| secrets().check_hmac(Digest::Sha1, Encoding::Base64, &[b"body"], text);
        assert_eq!(check(&signed(b"new")), Ok(()));
        assert_eq!(check(&signed(b"old")), Ok(()));
        assert_eq!(check(&signed(b"other")), Err(SignatureError::Mismatch));
        assert_eq!(check(""), Err(SignatureError::Mismatch));
        assert_eq!(check("?"), Err(SignatureError::Unreadable));
        let one = ReceiptSecrets::new(Secret::new("new"));
        assert_eq!(one.check_text("old"), Err(SignatureError::Mismatch));
        assert_eq!(one.check_text("new"), Ok(()));
    }

    #[test]
    fn user_and_password() {
        let check = |text: &str| secrets().check_basic("otpmux", Some(text));
        let header = |text: &str| format!("basic {}", Encoding::Base64.encode(text.as_bytes()));
        assert_eq!(check(&header("otpmux:new")), Ok(()));
        assert_eq!(check(&header("otpmux:old")), Ok(()));
        assert_eq!(check(&header("other:new")), Err(SignatureError::Mismatch));
        assert_eq!(check("Bearer new"), Err(SignatureError::Unreadable));
        assert_eq!(secrets().check_basic("otpmux", None), Err(SignatureError::Missing));
    }
}
