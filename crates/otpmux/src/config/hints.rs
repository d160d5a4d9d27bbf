//! Hints on texts of messages that are valid and probably not intended.

use otpmux_core::Channel;

/// The length of one SMS; a longer text is two messages, at twice the price.
const SMS: usize = 160;
/// The length that a listener can follow in a voice call.
const VOICE: usize = 50;

/// The words of a message without a brand: `Your verification code is: {code}`.
const ORDINARY: &[&str] = &[
    "a",
    "access",
    "account",
    "an",
    "and",
    "anyone",
    "app",
    "ask",
    "be",
    "code",
    "confirm",
    "confirmation",
    "customer",
    "dear",
    "did",
    "do",
    "don't",
    "enter",
    "expires",
    "for",
    "hello",
    "hi",
    "if",
    "ignore",
    "in",
    "is",
    "it",
    "log",
    "login",
    "minute",
    "minutes",
    "never",
    "not",
    "of",
    "on",
    "one",
    "one-time",
    "or",
    "otp",
    "our",
    "passcode",
    "password",
    "pin",
    "please",
    "request",
    "requested",
    "secret",
    "security",
    "service",
    "share",
    "sign",
    "sign-in",
    "the",
    "this",
    "time",
    "to",
    "use",
    "user",
    "valid",
    "verification",
    "verify",
    "we",
    "will",
    "with",
    "you",
    "your",
];

/// Returns the hints on a provider's message.
pub(super) fn of_message(provider: &str, message: &str, channels: &[Channel]) -> Vec<String> {
    let path = format!("providers.{provider}.message");
    // The length with an otpmux-generated code, which usually has six digits.
    let length = message.replace("{code}", "000000").chars().count();
    let mut hints = Vec::new();
    if !names_a_brand(message) {
        hints.push(format!(
            "{path} does not say whose code it is: name your brand, or users cannot tell it from \
             that of another service"
        ));
    }
    if length > SMS && channels.contains(&Channel::Sms) {
        hints.push(format!(
            "{path} has {length} characters with a code of six digits; more than {SMS} are several \
             messages"
        ));
    }
    if length > VOICE && channels.contains(&Channel::Voice) {
        hints.push(format!(
            "{path} has {length} characters with a code of six digits; a call reads it out, for \
             which the vendor advises less than {VOICE}"
        ));
    }
    hints
}

/// Returns whether a text holds a word besides those that every such message has.
fn names_a_brand(message: &str) -> bool {
    message
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .any(|word| {
            !ORDINARY.contains(&&*word) && word != "code" && word.contains(char::is_alphabetic)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brand_is_any_word_that_is_not_ordinary() {
        for named in ["Your Acme code is {code}", "{code} est votre code", "Acme: {code}"] {
            assert!(names_a_brand(named), "{named}");
        }
        let plain = "Your verification code is: {code}. Valid for 5 minutes, don't share it!";
        assert!(!names_a_brand(plain));
    }

    #[test]
    fn lengths_are_told_where_they_matter() {
        let hints = |message: &str, channels: &[Channel]| of_message("p", message, channels).len();
        let (short, long, longest) = ("Acme: {code}", "Acme ".repeat(12), "Acme ".repeat(40));
        assert_eq!(hints(short, &[Channel::Sms, Channel::Voice]), 0);
        assert_eq!(hints(&long, &[Channel::Sms]), 0);
        assert_eq!(hints(&long, &[Channel::Sms, Channel::Voice]), 1);
        assert_eq!(hints(&longest, &[Channel::Sms, Channel::Voice]), 2);
        assert_eq!(hints(&longest, &[Channel::Email]), 0);
    }
}
