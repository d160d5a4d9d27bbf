use std::collections::BTreeSet;

use super::*;
use crate::messages::builtin::BUILTIN;
use crate::{Locale, SmsSize};

/// A service with a name of 11 characters.
fn acme() -> MessageSettings {
    MessageSettings::new("Acme Travel")
}

#[test]
fn twenty_languages_each_in_its_one_form() {
    let locales: Vec<Locale> = BUILTIN.iter().map(|one| one.locale.parse().unwrap()).collect();
    let languages: BTreeSet<_> = locales.iter().map(Locale::language).collect();
    assert_eq!(languages.len(), 20);
    for (one, locale) in BUILTIN.iter().zip(&locales) {
        assert_eq!(one.locale, locale.as_str());
    }
    assert!(locales.is_sorted(), "by locale");
}

#[test]
fn each_is_one_segment_with_the_sentence_that_says_not_to_share() {
    let messages = messages(&acme());
    assert_eq!(messages.hints(), [""; 0]);
    for one in BUILTIN {
        let text = sms(&messages, one.locale);
        assert_eq!(SmsSize::of(&text).segments, 1, "{}: {text}", one.locale);
        assert!(text.ends_with(one.do_not_share), "{}: {text}", one.locale);
        assert!(text.contains("Acme Travel") && text.contains("12345678"), "{text}");
    }
}

/// With an option that adds a line, the sentence may have to go; the rest still fits.
#[test]
fn each_is_one_segment_with_each_option() {
    for settings in [acme().webotp_host("acme.example"), acme().android_hash("FA+9qCX9VSu")] {
        let messages = messages(&settings);
        assert_eq!(messages.hints(), [""; 0]);
        for one in BUILTIN {
            let text = sms(&messages, one.locale);
            assert_eq!(SmsSize::of(&text).segments, 1, "{}: {text}", one.locale);
            let last = text.lines().last().unwrap();
            if settings.android_hash.is_some() {
                assert!(text.len() <= 140, "{}: {text}", one.locale);
                assert_eq!(last, "FA+9qCX9VSu");
            } else {
                assert_eq!(last, "@acme.example #12345678");
            }
        }
    }
}

#[test]
fn a_call_says_the_code_twice_with_its_digits_apart() {
    let messages = messages(&acme());
    let code: Code = "1234".parse().unwrap();
    for one in BUILTIN {
        let message = render(&messages, &Channel::Voice, Some(one.locale), &[]).unwrap();
        let speech = message.speech.unwrap().with_spoken_code(&code).to_string();
        assert_eq!(speech.matches("1, 2, 3, 4").count(), 2, "{}: {speech}", one.locale);
    }
    let english = render(&messages, &Channel::Voice, Some("en"), &[]).unwrap().speech.unwrap();
    assert_eq!(
        *english.with_spoken_code(&code),
        "Your Acme Travel code is: 1, 2, 3, 4. Again: 1, 2, 3, 4."
    );
}

#[test]
fn an_email_has_a_subject_without_the_code() {
    let messages = messages(&acme());
    for one in BUILTIN {
        let message = render(&messages, &Channel::Email, Some(one.locale), &[]).unwrap();
        let subject = said(&message.subject.unwrap());
        assert!(subject.contains("Acme Travel") && !subject.contains("1234"), "{subject}");
    }
}

#[test]
fn a_long_name_is_reported() {
    let messages = messages(&MessageSettings::new("The Amalgamated Acme Company"));
    let [hint] = messages.hints() else { panic!("{:?}", messages.hints()) };
    assert!(hint.contains("built-in texts in"), "{hint}");
}
