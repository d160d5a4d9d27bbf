//! Recipients as callers of other systems write them: some leave the plus of a number out.

use otpmux::errors::RecipientError;
use otpmux::{OtpClient, Recipient};

/// How a number without a plus is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WithoutPlus {
    /// In national form, as everywhere else.
    National,
    /// In international form: its system has no other, also not with a leading zero.
    International,
    /// In international form, unless it begins with a zero.
    InternationalUnlessZero,
    /// In national form; if that is none, in international form, unless it begins with a zero.
    NationalElseInternational,
}

/// Reads a number or an address.
///
/// # Errors
///
/// The error of the form that is tried first.
pub(super) fn read(
    text: &str,
    without_plus: WithoutPlus,
    reader: &OtpClient,
) -> Result<Recipient, RecipientError> {
    use WithoutPlus::{
        International, InternationalUnlessZero, National, NationalElseInternational,
    };

    let text = text.trim();
    let as_written = || reader.read_recipient(text, None);
    let with_plus = || reader.read_recipient(&format!("+{text}"), None);
    // `00` means a plus in many countries, so a plus before it would be a second one.
    let bare = text.starts_with(|c: char| c.is_ascii_digit())
        && !text.starts_with("00")
        && !text.contains('@');
    let zero = text.starts_with('0');
    match without_plus {
        International if bare => with_plus(),
        InternationalUnlessZero if bare && !zero => with_plus(),
        NationalElseInternational if bare && !zero => {
            as_written().or_else(|error| with_plus().map_err(|_| error))
        }
        National | International | InternationalUnlessZero | NationalElseInternational => {
            as_written()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use otpmux::provider::Capabilities;
    use otpmux::{Channel, Policy};
    use otpmux_testkit::ScriptedProvider;

    use super::WithoutPlus::{
        International, InternationalUnlessZero, National, NationalElseInternational,
    };
    use super::*;

    fn reader() -> OtpClient {
        let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        let provider = Arc::new(ScriptedProvider::new("a", capabilities));
        let mut policy = Policy::default();
        policy.default_country = Some("DE".parse().unwrap());
        OtpClient::builder().provider(provider.port()).policy(policy).build().unwrap()
    }

    #[test]
    fn the_forms_differ_where_a_plus_is_left_out() {
        let reader = reader();
        let read = |text: &str, form| {
            let to = read(text, form, &reader).ok()?;
            Some(to.canonical().into_owned())
        };
        let forms = [National, International, InternationalUnlessZero, NationalElseInternational];
        let all = |text: &str| forms.map(|form| read(text, form));
        let same = |to: &str| [(); 4].map(|()| Some(to.to_owned()));
        assert_eq!(all("+4915123456789"), same("+4915123456789"));
        assert_eq!(all("004915123456789"), [const { None }; 4], "no form adds a plus to `00`");
        assert_eq!(all(" ann@example.com"), same("ann@example.com"));
        let national = Some("+4915123456789".to_owned());
        let expected = [national.clone(), None, national.clone(), national];
        assert_eq!(all("0151 23456789"), expected);
        let [_, international, unless_zero, otherwise] = all("14155550123");
        assert_eq!(international.as_deref(), Some("+14155550123"));
        assert_eq!(unless_zero, international);
        assert!(otherwise.is_some());
        assert_eq!(all("1@example.com"), same("1@example.com"));
    }
}
