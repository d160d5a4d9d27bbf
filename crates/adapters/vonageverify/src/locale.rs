/// The languages of Vonage Verify (definition 0.0.18, `Language`; `vonage-verify` 2.2.0, `Locale`).
/// The first of a language is its usual form.
const LOCALES: [&str; 13] = [
    "en-us", "en-gb", "es-es", "es-mx", "es-us", "it-it", "fr-fr", "de-de", "ru-ru", "hi-in",
    "pt-pt", "pt-br", "id-id",
];

/// Returns Vonage's word for a locale (BCP 47), or its nearest one of the same language. Vonage
/// refuses other words, and a locale is only a wish: `None` leaves the language to Vonage.
pub(crate) fn vendor_locale(locale: &str) -> Option<&'static str> {
    let wanted = locale.to_ascii_lowercase().replace('_', "-");
    let language = wanted.split('-').next().unwrap_or_default();
    let exact = LOCALES.into_iter().find(|known| *known == wanted);
    exact.or_else(|| LOCALES.into_iter().find(|known| known.split('-').next() == Some(language)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_the_same_language() {
        for (locale, expected) in [
            ("pt-BR", Some("pt-br")),
            ("pt", Some("pt-pt")),
            ("de_AT", Some("de-de")),
            ("en-AU", Some("en-us")),
            ("tr", None),
            ("", None),
        ] {
            assert_eq!(vendor_locale(locale), expected, "{locale}");
        }
    }
}
