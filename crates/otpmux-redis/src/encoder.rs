//! Bytes as scripts read them: big-endian numbers, times of six bytes, and fields.

use std::time::SystemTime;

use otpmux_engine::millis;

/// The first byte of a field whose length needs four bytes more.
pub(crate) const LONG: u8 = 255;
/// The latest time that has six bytes, in milliseconds since 1970.
pub(crate) const LATEST: u64 = (1 << 48) - 1;

/// Appends to the bytes of one argument.
pub(crate) trait Encode {
    /// Appends a number of four bytes.
    fn number(&mut self, number: u32);
    /// Appends the index of a send attempt, of two bytes; an index that no record reaches stays
    /// one.
    fn place(&mut self, place: usize);
    /// Appends a number of six bytes.
    fn long_number(&mut self, number: u64);
    /// Appends a time.
    fn time(&mut self, time: SystemTime);
    /// Appends a time that is not earlier than this one, in whole seconds of four bytes.
    fn seconds(&mut self, time: SystemTime);
    /// Appends a field.
    fn field(&mut self, bytes: &[u8]);
    /// Appends a field that `write` fills.
    fn field_of(&mut self, write: impl FnOnce(&mut Vec<u8>));
    /// Appends a field, which is empty without a value.
    fn maybe(&mut self, bytes: Option<&[u8]>);
}

impl Encode for Vec<u8> {
    fn number(&mut self, number: u32) {
        self.extend_from_slice(&number.to_be_bytes());
    }

    fn place(&mut self, place: usize) {
        self.extend_from_slice(&u16::try_from(place).unwrap_or(u16::MAX).to_be_bytes());
    }

    fn long_number(&mut self, number: u64) {
        self.extend_from_slice(&number.min(LATEST).to_be_bytes()[2..]);
    }

    fn time(&mut self, time: SystemTime) {
        self.long_number(millis(time));
    }

    fn seconds(&mut self, time: SystemTime) {
        let seconds = millis(time).div_ceil(1_000);
        // Until the year 2106.
        self.number(u32::try_from(seconds).unwrap_or(u32::MAX));
    }

    fn field(&mut self, bytes: &[u8]) {
        push_length(self, bytes.len());
        self.extend_from_slice(bytes);
    }

    fn field_of(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.len();
        self.push(0);
        write(self);
        let length = self.len() - at - 1;
        match u8::try_from(length) {
            Ok(short) if short < LONG => self[at] = short,
            _ => {
                let body = self.split_off(at + 1);
                self.truncate(at);
                self.field(&body);
            }
        }
    }

    fn maybe(&mut self, bytes: Option<&[u8]>) {
        self.field(bytes.unwrap_or_default());
    }
}

fn push_length(bytes: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < LONG => bytes.push(short),
        _ => {
            bytes.push(LONG);
            // Redis takes no text of 4 GiB.
            bytes.number(u32::try_from(length).unwrap_or(u32::MAX));
        }
    }
}
