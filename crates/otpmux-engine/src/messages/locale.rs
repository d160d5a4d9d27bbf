//! Language tags (BCP 47) and which of several fits best.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// The language of a text: a language with an optional script and region, such as `pt`, `pt-BR` or
/// `zh-Hant-TW`. Variants and extensions of a tag are ignored.
///
/// ```
/// use otpmux_engine::Locale;
///
/// let locale: Locale = "PT_br".parse()?;
/// assert_eq!(locale.as_str(), "pt-BR");
/// # Ok::<(), otpmux_engine::LocaleError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale(Box<str>);

/// Error returned when a text is not a language tag.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a language tag (BCP 47), such as en, pt-BR or zh-Hant")]
pub struct LocaleError;

otpmux_core::debug_as_display!(LocaleError);

impl Locale {
    /// Returns the tag in its usual case: `zh-Hant-TW`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the language, such as `zh`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Returns the script, such as `Hant`; `None` if the tag has none.
    fn script(&self) -> Option<&str> {
        self.0.split('-').find(|part| part.len() == 4)
    }

    fn region(&self) -> Option<&str> {
        self.0.split('-').skip(1).find(|part| part.len() < 4)
    }

    /// Returns the script, or the one that readers of this region expect. Only Chinese is read in
    /// two scripts that a region decides.
    fn likely_script(&self) -> Option<&str> {
        self.script().or_else(|| match (self.language(), self.region()) {
            ("zh", Some("TW" | "HK" | "MO")) => Some("Hant"),
            ("zh", _) => Some("Hans"),
            _ => None,
        })
    }

    /// Returns the best of these locales for a reader of this one: the same, language and script,
    /// the language alone, the language in another region, the language in another script; `None`
    /// if none has the language.
    pub(super) fn best<'a>(
        &self,
        known: impl Iterator<Item = &'a Self> + Clone,
    ) -> Option<&'a Self> {
        let (language, script) = (self.language(), self.likely_script());
        let rank = |one: &Self| {
            if one.language() != language {
                return None;
            }
            let same_script = one.likely_script() == script;
            Some(match (one.script(), one.region()) {
                _ if one == self => 0,
                (Some(_), None) if same_script => 1,
                (None, None) => 2,
                _ if same_script => 3,
                _ => 4,
            })
        };
        // The first of equals, so that the choice does not depend on anything else.
        known.filter_map(|one| Some((rank(one)?, one))).min_by_key(|(rank, _)| *rank).map(|it| it.1)
    }
}

/// Ordered and compared like its tag.
impl Borrow<str> for Locale {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Default for Locale {
    /// Returns English.
    fn default() -> Self {
        Self("en".into())
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let mut parts = text.split(['-', '_']);
        let letters = |part: &&str| part.bytes().all(|b| b.is_ascii_alphabetic());
        let language = parts.next().filter(letters).ok_or(LocaleError)?;
        if !(2..=3).contains(&language.len()) {
            return Err(LocaleError);
        }
        let mut tag = language.to_ascii_lowercase();
        let (mut script, mut region) = (false, false);
        for part in parts {
            let alphanumeric = part.bytes().all(|b| b.is_ascii_alphanumeric());
            if !alphanumeric || !(1..=8).contains(&part.len()) {
                return Err(LocaleError);
            }
            let digits = part.bytes().all(|b| b.is_ascii_digit());
            match part.len() {
                4 if letters(&part) && !script && !region => {
                    script = true;
                    tag.push('-');
                    tag.push_str(&part[..1].to_ascii_uppercase());
                    tag.push_str(&part[1..].to_ascii_lowercase());
                }
                2 | 3
                    if !region
                        && (part.len() == 2 && letters(&part) || part.len() == 3 && digits) =>
                {
                    region = true;
                    tag.push('-');
                    tag.push_str(&part.to_ascii_uppercase());
                }
                // Variants and extensions follow; none of them selects a text.
                _ => break,
            }
        }
        Ok(Self(tag.into()))
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locale({})", self.0)
    }
}

otpmux_core::text_setting!(Locale);

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(text: &str) -> Locale {
        text.parse().unwrap()
    }

    #[test]
    fn a_tag_has_one_form() {
        for (text, tag) in [
            ("en", "en"),
            ("PT_br", "pt-BR"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("fil", "fil"),
            ("de-CH-1996", "de-CH"),
            ("ar-u-nu-latn", "ar"),
        ] {
            assert_eq!(locale(text).as_str(), tag);
        }
        for text in ["", "e", "english", "e1", "pt-", "pt--BR", "pt BR", "пт", "-pt"] {
            assert_eq!(text.parse::<Locale>(), Err(LocaleError), "{text}");
        }
    }

    #[test]
    fn the_best_text_for_a_reader() {
        let known = ["de", "en", "pt-BR", "sr", "sr-Latn", "zh-Hans", "zh-Hant"].map(locale);
        let best = |text: &str| locale(text).best(known.iter()).map(Locale::as_str);
        for (reader, text) in [
            ("pt-BR", Some("pt-BR")),
            ("pt", Some("pt-BR")),
            ("pt-PT", Some("pt-BR")),
            ("en-GB", Some("en")),
            ("zh", Some("zh-Hans")),
            ("zh-TW", Some("zh-Hant")),
            ("zh-Hant-HK", Some("zh-Hant")),
            ("zh-SG", Some("zh-Hans")),
            ("sr-Latn-RS", Some("sr-Latn")),
            ("sr-RS", Some("sr")),
            ("sw", None),
        ] {
            assert_eq!(best(reader), text, "{reader}");
        }
        let simplified = [locale("zh")];
        assert_eq!(locale("zh-TW").best(simplified.iter()), Some(&simplified[0]));
    }
}
