//! The size of a text as SMS: its encoding and its segments (3GPP TS 23.038 and 23.040).

/// The encoding of an SMS. One character that GSM-7 does not have makes the whole text UCS-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SmsEncoding {
    /// Seven bits for each character of the GSM default alphabet; 14 for `^ { } [ ] ~ | \ €` and
    /// the form feed.
    Gsm7,
    /// Two bytes for each character of the basic plane; four for others, such as emoji.
    Ucs2,
}

impl SmsEncoding {
    /// Returns the word that the command line uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    /// Units of one segment: of a text that is alone, and of each part of a longer text.
    const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// The size of a text as SMS. Each segment costs one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SmsSize {
    /// The encoding.
    pub encoding: SmsEncoding,
    /// Units of the encoding: septets for GSM-7, 16-bit units for UCS-2.
    pub units: usize,
    /// The number of segments; 1 for an empty text.
    pub segments: usize,
}

impl SmsSize {
    /// Returns the size of a text. A character that needs two units is never split between two
    /// segments, as in the networks.
    ///
    /// ```
    /// use otpmux_engine::{SmsEncoding, SmsSize};
    ///
    /// let size = SmsSize::of("004217 is your Acme code. Do not share it.");
    /// assert_eq!((size.encoding, size.units, size.segments), (SmsEncoding::Gsm7, 42, 1));
    /// assert_eq!(SmsSize::of("004217 — ваш код Acme.").encoding, SmsEncoding::Ucs2);
    /// ```
    pub fn of(text: &str) -> Self {
        let gsm = text.chars().all(|c| septets(c).is_some());
        let encoding = if gsm { SmsEncoding::Gsm7 } else { SmsEncoding::Ucs2 };
        let unit = |c: char| if gsm { septets(c).unwrap_or(1) } else { c.len_utf16() };
        let units: usize = text.chars().map(unit).sum();
        let (alone, part) = encoding.room();
        if units <= alone {
            return Self { encoding, units, segments: 1 };
        }
        let (mut segments, mut used) = (1, 0);
        for c in text.chars() {
            let needed = unit(c);
            if used + needed > part {
                (segments, used) = (segments + 1, 0);
            }
            used += needed;
        }
        Self { encoding, units, segments }
    }
}

/// The printable characters of the GSM default alphabet that are not ASCII.
const GSM_OTHERS: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";

/// Returns the septets of a character: 1 in the default alphabet, 2 in its extension; `None` if it
/// is in neither.
fn septets(c: char) -> Option<usize> {
    match c {
        '^' | '{' | '}' | '[' | ']' | '~' | '|' | '\\' | '€' | '\u{c}' => Some(2),
        '`' => None,
        ' '..='~' | '\n' | '\r' => Some(1),
        _ if GSM_OTHERS.contains(c) => Some(1),
        _ => None,
    }
}
