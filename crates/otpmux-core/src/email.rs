use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;

use crate::RecipientError;
use crate::typed::trim;

mod hosts;

/// An e-mail address: an unquoted ASCII local part, `@`, and a domain of at least two labels.
///
/// The domain is kept in one form: lower case, international labels in their `xn--` form, no dot at
/// the end. The local part is kept as it was given, because messages go to that form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(Box<str>);

impl EmailAddress {
    /// Returns the address. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the part after the `@`.
    pub fn domain(&self) -> &str {
        self.parts().1
    }

    /// Returns the canonical form: one for all spellings that certainly name the same mailbox. It
    /// is in lower case, without the parts that Gmail ignores (dots, a tag, its second domain).
    /// Never log it.
    ///
    /// ```
    /// use otpmux_core::EmailAddress;
    /// let canonical = |text: &str| text.parse().map(|address: EmailAddress| address.canonical());
    /// assert_eq!(canonical("Ann@Example.com")?, "ann@example.com");
    /// assert_eq!(canonical("A.n.n+shop@googlemail.com")?, "ann@gmail.com");
    /// assert_eq!(canonical("ann+shop@example.com")?, "ann+shop@example.com");
    /// # Ok::<(), otpmux_core::RecipientError>(())
    /// ```
    pub fn canonical(&self) -> String {
        let (local, domain) = self.parts();
        hosts::canonical(local, domain)
    }

    /// Returns the counted form, for limits: one for all spellings that may name the same mailbox.
    /// The tag (`+` and the rest) is removed at every host, as are the characters that large hosts
    /// ignore. If a host gives `ann+shop` and `ann` to different people, they share their limits.
    /// Never log it.
    ///
    /// ```
    /// use otpmux_core::EmailAddress;
    /// let address: EmailAddress = "Ann+shop@Example.com".parse()?;
    /// assert_eq!(address.counted(), "ann@example.com");
    /// # Ok::<(), otpmux_core::RecipientError>(())
    /// ```
    pub fn counted(&self) -> String {
        let (local, domain) = self.parts();
        hosts::counted(local, domain)
    }

    /// Returns the domain for limits: without its subdomains, because the owner of a domain can
    /// create any number of them.
    ///
    /// The result has two labels, or three below a country whose second label is a category
    /// (`example.co.uk`). Other suffixes with independent owners count as one domain.
    pub fn counted_domain(&self) -> &str {
        hosts::counted_domain(self.domain())
    }

    fn parts(&self) -> (&str, &str) {
        // Parsing has checked that there is an `@`.
        self.0.split_once('@').unwrap_or_default()
    }

    pub(crate) fn masked(&self) -> String {
        // Parsing has checked that the local part is ASCII and not empty.
        let (local, domain) = self.parts();
        format!("{}•••@{domain}", local.get(..1).unwrap_or_default())
    }
}

impl FromStr for EmailAddress {
    type Err = RecipientError;

    /// Parses an address. Accepts an international domain in either form, a dot at its end, and the
    /// white space around it that a paste may add.
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let (local, domain) = trim(text).rsplit_once('@').ok_or(RecipientError::NotEmail)?;
        let domain = one_form(domain).ok_or(RecipientError::NotEmail)?;
        // RFC 5321: 64 octets of local part, 254 of the whole.
        let fits = local.len() + 1 + domain.len() <= 254
            && (1..=64).contains(&local.len())
            && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
            && domain.split('.').count() >= 2
            && domain.split('.').all(is_label);
        if fits {
            Ok(Self(format!("{local}@{domain}").into()))
        } else {
            Err(RecipientError::NotEmail)
        }
    }
}

/// Returns a domain in lower case and ASCII, without a dot at the end.
fn one_form(domain: &str) -> Option<Cow<'_, str>> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let upper = domain.bytes().any(|byte| byte.is_ascii_uppercase());
    let plain: Cow<'_, str> =
        if upper { domain.to_ascii_lowercase().into() } else { domain.into() };
    if plain.is_ascii() && !plain.split('.').any(|label| label.starts_with("xn--")) {
        return Some(plain);
    }
    // Also for a label in ASCII form: some names have several such forms, of which one is right.
    let ascii = idna::domain_to_ascii_cow(plain.as_bytes(), AsciiDenyList::STD3).ok()?;
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    Some(ascii.to_owned().into())
}

/// Whether the character is valid in an unquoted local part (`atext` of RFC 5322).
fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(•••)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Recipient;

    #[test]
    fn emails() {
        let folded: Recipient = "Some.One+tag@Example.COM".parse().unwrap();
        assert_eq!(folded.expose(), "Some.One+tag@example.com");
        let plus: Recipient = "+tag@example.com".parse().unwrap();
        assert_eq!((plus.expose(), plus.phone()), ("+tag@example.com", None));
        for bad in [
            "@example.com",
            "a@",
            "a@.",
            "a@b",
            "a@b.",
            "a@b..com",
            "a@example.com..",
            "a b@example.com",
            "a@exa mple.com",
            "a@-b.com",
            "a@example.com,b@example.com",
            "a@example.com;b@example.com",
            "a@b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            ".a@example.com",
            "\"a\"@example.com",
            "a@b-.com",
            "ä@example.com",
            "<a@example.com>",
            "a@xn--.com",
            "a@xn--a.com",
            "a@exa\u{200e}mple.com, b@example.com",
        ] {
            assert!(bad.parse::<Recipient>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_domain_has_one_form() {
        for (given, kept) in [
            ("a@example.com.", "a@example.com"),
            ("\u{feff} a@example.com\u{a0}\n", "a@example.com"),
            ("a@bücher.example", "a@xn--bcher-kva.example"),
            ("a@BÜCHER.Example.", "a@xn--bcher-kva.example"),
            ("a@bu\u{308}cher.example", "a@xn--bcher-kva.example"),
            ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
            ("a@उदाहरण.परीक्षा", "a@xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g"),
            ("a@ｅｘａｍｐｌｅ．ｃｏｍ", "a@example.com"),
            ("a@example。com", "a@example.com"),
        ] {
            assert_eq!(given.parse::<EmailAddress>().unwrap().expose(), kept, "{given}");
        }
    }

    proptest! {
        /// The forms are stable: a form of a form is the same, and each is an address.
        #[test]
        fn forms_are_addresses_and_stay(text in "[a-zA-Z.+-]{1,12}@(gmail|yahoo|proton|A|bücher)\\.(com|me|co\\.uk)\\.?") {
            let Ok(address) = text.parse::<EmailAddress>() else { return Ok(()) };
            let [canonical, counted] = [address.canonical(), address.counted()];
            let again: EmailAddress = canonical.parse().unwrap();
            prop_assert_eq!(again.canonical(), canonical);
            prop_assert_eq!(again.counted(), counted.clone(), "equal wherever the canonical form is");
            prop_assert_eq!(counted.parse::<EmailAddress>().unwrap().counted(), counted);
        }
    }
}
