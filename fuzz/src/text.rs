//! Typed text: recipients, codes, and the texts behind configuration keys.

use std::time::Duration;

use otpmux_core::settings::{Setting, SettingsReader, duration_text, limit_text, parse_duration};
use otpmux_core::{Code, CountryCode, RateLimit, Recipient, Secret};
use serde_json::{Map, Value, json};

/// The first byte picks the country of national forms, the rest is the text.
pub(crate) fn recipient(data: &[u8]) {
    const COUNTRIES: [&str; 8] = ["IN", "US", "GB", "AR", "MX", "RU", "DE", "IT"];
    let Some((first, text)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let country = COUNTRIES.get(usize::from(*first)).and_then(|it| it.parse::<CountryCode>().ok());
    let recipient = match Recipient::parse_in(&text, country) {
        Ok(recipient) => recipient,
        Err(error) => {
            let said = format!("{error} {error:?}");
            let digits = text.chars().filter(char::is_ascii_digit).count();
            // The number in every error is an example.
            let said = said.replace("+14155550123", "");
            assert!(digits < 7 || !said.contains(text.as_ref()), "the error shows the text");
            return;
        }
    };
    let exposed = recipient.expose();
    assert!(exposed.is_ascii() && exposed.len() <= 254);
    assert!(!exposed.contains(|c: char| c.is_ascii_control() || " ,;<>\"".contains(c)));
    // A parsed number is read as itself in any country.
    assert_eq!(Recipient::parse_in(exposed, country).as_ref(), Ok(&recipient));
    assert_eq!(exposed.parse().as_ref(), Ok(&recipient));
    // The canonical form is a recipient, and a form of itself. The counted form is for counting only: without
    // Argentina's 9 it may be no number.
    let canonical: Recipient = recipient.canonical().parse().expect("a form is a recipient");
    assert_eq!(canonical.canonical(), recipient.canonical());
    assert_eq!(canonical.counted(), recipient.counted());
    assert!(!format!("{recipient:?}").contains(exposed));
    assert!(!recipient.masked().contains(exposed));
    if let Some(phone) = recipient.phone() {
        let _ = (phone.place(), phone.counted());
    }
    if let Some(email) = recipient.email() {
        assert!(!email.domain().is_empty() && !email.counted_domain().is_empty());
    }
}

/// Codes, and API keys as they are pasted.
pub(crate) fn code(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(code) = text.parse::<Code>() {
        let exposed = code.expose();
        assert!((4..=10).contains(&exposed.len()) && exposed.bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(exposed.parse::<Code>().as_ref(), Ok(&code));
        assert_eq!(usize::from(code.length()), exposed.len());
    }
    match Secret::read(&text) {
        Ok(secret) => {
            let again = Secret::read(secret.expose()).expect("what was read is clean");
            assert_eq!(again.expose(), secret.expose());
        }
        Err(error) => assert!(text.len() < 30 || !error.to_string().contains(text.as_ref())),
    }
}

const SETTINGS: &[Setting] = &[
    Setting::duration("timeout", Duration::ZERO..=Duration::from_hours(24), ""),
    Setting::limits("limits", 0..=u32::MAX, Duration::ZERO..=Duration::MAX, 8, ""),
    Setting::list_or("countries", "any", ""),
    Setting::choice("mode", &["transport", "managed"], ""),
    Setting::integer("length", 4..=8, ""),
];

/// Durations and limits alone, then as the values of a table.
pub(crate) fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(duration) = parse_duration(&text) {
        assert_eq!(parse_duration(&duration_text(duration)), Some(duration));
        let limit = RateLimit::new(7, duration);
        let table = json!({ "limits": [limit_text(&limit)] });
        assert!(read(&table).is_ok(), "what is shown is read back");
    }
    let words: Vec<&str> = text.split('\n').collect();
    let _ =
        read(&json!({ "timeout": words[0], "limits": words, "countries": words, "mode": text }));
    if let Ok(table) = serde_json::from_str::<Value>(&text) {
        let _ = read(&table);
    }
}

fn read(table: &Value) -> Result<(), String> {
    let empty = Map::new();
    let table = table.as_object().unwrap_or(&empty);
    let resolve = |_: &str| Ok(Secret::new("secret"));
    match SettingsReader::new(&resolve).read("p", &[SETTINGS], table) {
        Ok(settings) => {
            let _ = (settings.duration("timeout"), settings.limits("limits"));
            Ok(())
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            Err(errors.iter().map(ToString::to_string).collect())
        }
    }
}
