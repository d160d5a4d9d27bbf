//! Basic credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use otpmux::Secret;
use otpmux::provider::typed;

/// The user name and the password of a request.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Secret,
}

impl Credentials {
    /// Reads the header `Authorization`; `None` for another scheme, and for text that is not the
    /// base64 of a user name, a colon and a password.
    pub(super) fn read(header: &[u8]) -> Option<Self> {
        let (scheme, rest) = header.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let text = STANDARD.decode(rest.trim_ascii()).ok()?;
        let text = String::from_utf8(text).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self {
            user: typed::trim(user).to_owned(),
            password: Secret::new(typed::trim(password)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let read = |text: &str| {
            let read = Credentials::read(text.as_bytes())?;
            Some((read.user, read.password.expose().to_owned()))
        };
        let both = Some(("AC1".to_owned(), "a:b".to_owned()));
        assert_eq!(read("Basic QUMxOmE6Yg=="), both);
        assert_eq!(read("bAsIc  QUMxOmE6Yg== "), both);
        // `AC1: key` with a space that a paste has added.
        assert_eq!(read("Basic QUMxOiBrZXk="), Some(("AC1".to_owned(), "key".to_owned())));
        for bad in
            ["", "Basic", "Basic ", "Bearer QUMxOmE6Yg==", "Basic QUMx", "Basic %%%", "Basic //8="]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
