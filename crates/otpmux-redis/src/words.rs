use std::time::SystemTime;

use otpmux_engine::millis;

use crate::hex::push_hex;

/// What stands for a word that is missing.
pub(crate) const NONE: &str = "-";

/// A text in the making whose words are apart by one space. There is one for each part of a call, so
/// it writes without the detours of `std::fmt`.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<u8>);

impl Words {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes as they are: the end of a line, or a whole one.
    pub(crate) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// A word that holds neither spaces nor ends of lines.
    pub(crate) fn word(self, word: &str) -> Self {
        self.apart().raw(word)
    }

    pub(crate) fn number(self, number: impl Into<u64>) -> Self {
        self.apart().raw(itoa::Buffer::new().format(number.into()))
    }

    /// A number with zeros before it, up to so many digits.
    pub(crate) fn padded(self, number: impl Into<u64>, digits: usize) -> Self {
        let mut buffer = itoa::Buffer::new();
        let number = buffer.format(number.into());
        let mut words = self.apart();
        words.0.resize(words.0.len() + digits.saturating_sub(number.len()), b'0');
        words.raw(number)
    }

    /// A time of a record's first line, where it has 13 digits: until the year 2286.
    pub(crate) fn time(self, time: SystemTime) -> Self {
        self.padded(millis(time).min(9_999_999_999_999), 13)
    }

    pub(crate) fn hex(self, bytes: &[u8]) -> Self {
        let mut words = self.apart();
        push_hex(&mut words.0, bytes);
        words
    }

    /// Any text as one word, which is never empty nor the one that is missing.
    pub(crate) fn text(self, text: &str) -> Self {
        let mut words = self.apart().raw("=");
        for &byte in text.as_bytes() {
            if byte.is_ascii_graphic() && byte != b'%' {
                words.0.push(byte);
            } else {
                words.0.push(b'%');
                push_hex(&mut words.0, &[byte]);
            }
        }
        words
    }

    /// A word that may be missing.
    pub(crate) fn maybe<T>(self, value: Option<T>, write: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => write(self, value),
            None => self.word(NONE),
        }
    }

    fn apart(mut self) -> Self {
        if self.0.last().is_some_and(|last| !matches!(last, b' ' | b'\n')) {
            self.0.push(b' ');
        }
        self
    }
}
