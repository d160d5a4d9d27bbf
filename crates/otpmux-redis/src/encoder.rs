use std::time::SystemTime;

use otpmux_engine::millis;

use crate::hex::push_hex;
use crate::layout::{LATEST, TIME};

/// Replaces a missing word.
pub(crate) const NONE: &str = "-";

/// Builds a text whose words are separated by one space. Each part of a call needs one, so it
/// avoids the overhead of `std::fmt`.
#[derive(Debug, Default)]
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends bytes unchanged: the end of a line, or a whole line.
    pub(crate) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// Appends a word without spaces and line ends.
    pub(crate) fn word(self, word: &str) -> Self {
        self.apart().raw(word)
    }

    pub(crate) fn number(self, number: impl Into<u64>) -> Self {
        self.apart().raw(itoa::Buffer::new().format(number.into()))
    }

    /// Appends a number with leading zeros, up to this many digits.
    pub(crate) fn padded(self, number: impl Into<u64>, digits: usize) -> Self {
        let mut buffer = itoa::Buffer::new();
        let number = buffer.format(number.into());
        let mut words = self.apart();
        words.0.resize(words.0.len() + digits.saturating_sub(number.len()), b'0');
        words.raw(number)
    }

    /// Appends a time of a record's first line, where it has a fixed width: until the year 2286.
    pub(crate) fn time(self, time: SystemTime) -> Self {
        self.padded(millis(time).min(LATEST), TIME)
    }

    pub(crate) fn hex(self, bytes: &[u8]) -> Self {
        let mut words = self.apart();
        push_hex(&mut words.0, bytes);
        words
    }

    /// Appends any text as one word, which is never empty and never [`NONE`].
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

    /// Appends a word, or [`NONE`].
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
