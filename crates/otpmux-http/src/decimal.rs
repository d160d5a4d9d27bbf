/// Returns whether a text is a decimal number of at most 40 characters, as vendors write amounts:
/// `12.50` or `-3`. Amounts are kept as text, because a float would change them.
pub fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    text.len() <= 40 && digits(whole) && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_and_one_point_are_a_number() {
        for (text, good) in [
            ("12.50", true),
            ("-3", true),
            ("0", true),
            ("", false),
            ("-", false),
            (".5", false),
            ("1.", false),
            ("1e5", false),
            ("1,5", false),
            ("EUR 1", false),
            (&"1".repeat(41), false),
        ] {
            assert_eq!(is_decimal(text), good, "{text}");
        }
    }
}
