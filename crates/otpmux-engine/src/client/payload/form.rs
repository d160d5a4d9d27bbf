//! The bytes of a payload before encryption. Every record has them, so what nearly every payload
//! has takes few: a channel one byte, and two digits of a telephone number or a code one.
//!
//! A channel, the recipient and the code follow each other; what is left is JSON, or nothing.
//! - A channel is its place in [`CHANNELS`], from 1 on, or 0 and its name as a text.
//! - A text of digits and `+` is how many characters it has, and half as many bytes. Every other
//!   text is [`PLAIN`], two bytes for its length, and its bytes.
//! - A payload without a code has an empty text in its place.

use otpmux_core::Channel;
use zeroize::Zeroizing;

const CHANNELS: [Channel; 4] = [Channel::Sms, Channel::Voice, Channel::Email, Channel::WhatsApp];
/// In place of the length of a text of digits: the text is not one, or is longer.
const PLAIN: u8 = 64;
/// The half byte of a `+`, after those of the ten digits.
const PLUS: u8 = 10;
/// Fills the last byte of an odd number of digits.
const FILL: u8 = 15;

/// What is read from the bytes.
pub(super) struct Form<'a> {
    pub(super) channel: Channel,
    pub(super) to: Zeroizing<String>,
    pub(super) code: Option<Zeroizing<String>>,
    /// JSON, or nothing.
    pub(super) rest: &'a [u8],
}

/// Returns how many bytes [`write()`] appends at most.
pub(super) fn most(channel: &Channel, to: &str, code: Option<&str>, rest: &[u8]) -> usize {
    12 + channel.as_str().len() + to.len() + code.map_or(0, str::len) + rest.len()
}

/// Appends the bytes. A code is never empty.
pub(super) fn write(
    bytes: &mut Vec<u8>,
    channel: &Channel,
    to: &str,
    code: Option<&str>,
    rest: &[u8],
) {
    if let Some((place, _)) = (1..).zip(&CHANNELS).find(|(_, it)| *it == channel) {
        bytes.push(place);
    } else {
        bytes.push(0);
        push_text(bytes, channel.as_str());
    }
    push_text(bytes, to);
    push_text(bytes, code.unwrap_or_default());
    bytes.extend_from_slice(rest);
}

/// Reads the bytes; `None` if `write` did not make them.
pub(super) fn read(mut bytes: &[u8]) -> Option<Form<'_>> {
    let rest = &mut bytes;
    let channel = match take(rest, 1)? {
        [0] => take_text(rest)?.parse().ok()?,
        place => CHANNELS.get(usize::from(place[0]) - 1)?.clone(),
    };
    let (to, code) = (take_text(rest)?, take_text(rest)?);
    Some(Form { channel, to, code: Some(code).filter(|code| !code.is_empty()), rest })
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let before = bytes.len();
    if push_digits(bytes, text).is_none() {
        bytes.truncate(before);
        bytes.push(PLAIN);
        // Addresses and names of channels are shorter by far.
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
}

/// `None`, perhaps after some bytes, unless it is a short text of digits.
fn push_digits(bytes: &mut Vec<u8>, text: &str) -> Option<()> {
    bytes.push(u8::try_from(text.len()).ok().filter(|length| *length < PLAIN)?);
    for two in text.as_bytes().chunks(2) {
        let second = two.get(1).map_or(Some(FILL), |byte| half(*byte))?;
        bytes.push(half(two[0])? << 4 | second);
    }
    Some(())
}

fn half(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'+' => Some(PLUS),
        _ => None,
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_text(rest: &mut &[u8]) -> Option<Zeroizing<String>> {
    let length = take(rest, 1)?[0];
    if length == PLAIN {
        let length = u16::from_be_bytes(*take(rest, 2)?.first_chunk()?);
        let text = take(rest, usize::from(length))?;
        return Some(Zeroizing::new(str::from_utf8(text).ok()?.to_owned()));
    } else if length > PLAIN {
        return None;
    }
    let length = usize::from(length);
    let mut text = Zeroizing::new(String::with_capacity(length + 1));
    for byte in take(rest, length.div_ceil(2))? {
        for half in [byte >> 4, byte & 15] {
            match half {
                0..=9 => text.push(char::from(b'0' + half)),
                PLUS => text.push('+'),
                FILL if text.len() == length => {}
                _ => return None,
            }
        }
    }
    (text.len() == length).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(channel: &str, to: &str, code: &str, rest: &[u8]) -> Vec<u8> {
        let (channel, code) = (channel.parse().unwrap(), Some(code).filter(|it| !it.is_empty()));
        let mut bytes = Vec::new();
        write(&mut bytes, &channel, to, code, rest);
        assert!(bytes.len() <= most(&channel, to, code, rest));
        bytes
    }

    #[test]
    fn a_number_and_a_code_take_half_a_byte_for_each_digit() {
        let bytes = written("sms", "+919812345678", "004217", b"");
        let expected = [
            [1, 13].as_slice(),
            &[0xa9, 0x19, 0x81, 0x23, 0x45, 0x67, 0x8f],
            &[6, 0x00, 0x42, 0x17],
        ];
        assert_eq!(bytes, expected.concat());
        assert_eq!(written("voice", "+1415", "", b"{}"), b"\x02\x05\xa1\x41\x5f\0{}");
        let mail = written("email", "a@b.example", "0M53", b"");
        assert_eq!(mail, b"\x03\x40\0\x0ba@b.example\x40\0\x040M53");
    }

    #[test]
    fn bytes_that_are_no_payload_are_refused() {
        let whole = written("sms", "+919812345678", "004217", b"");
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_none(), "{length}");
        }
        let cases: [&[u8]; 6] = [
            // A channel that does not exist.
            &[5, 0, 0],
            // A longer text of digits than there is.
            &[1, 65, 0],
            // A half byte that is no digit; a filler inside; none at the end.
            &[1, 2, 0xb1, 0],
            &[1, 2, 0xf1, 0],
            &[1, 1, 0x11, 0],
            // No UTF-8.
            &[1, PLAIN, 0, 1, 0xff, 0],
        ];
        for case in cases {
            assert!(read(case).is_none(), "{case:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            channel in "sms|voice|email|whatsapp|rcs|[a-z]{1,64}",
            to in "[+0-9]{1,80}|\\PC{1,300}",
            code in "|[0-9]{4,10}|[0-9A-Za-z]{4,10}",
            rest in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = written(&channel, &to, &code, &rest);
            let form = read(&bytes).unwrap();
            prop_assert_eq!(form.channel.as_str(), channel);
            prop_assert_eq!(form.to.as_str(), to);
            prop_assert_eq!(form.code.map(|it| it.to_string()).unwrap_or_default(), code);
            prop_assert_eq!(form.rest, rest);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            read(&bytes);
        }
    }
}
