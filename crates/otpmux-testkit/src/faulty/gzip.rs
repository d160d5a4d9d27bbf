use bytes::Bytes;

/// Returns a gzip stream of about 1/160 of `unpacked` bytes that unpacks to at least `unpacked`
/// zero bytes.
///
/// One deflate block with fixed codes (RFC 1951): a zero, then "258 bytes from one byte back"
/// repeatedly. The checksum is wrong: a decoder notices only after unpacking everything.
pub fn gzip_bomb(unpacked: usize) -> Bytes {
    let mut bits = Bits::default();
    bits.push(1, 1); // the last block
    bits.push(0b01, 2); // with fixed codes
    bits.push(0b0000_1100, 8); // literal 0: code 0011_0000, most significant bit first
    for _ in 0..unpacked.div_ceil(258) {
        bits.push(0b1010_0011, 8); // length 258: code 1100_0101, most significant bit first
        bits.push(0, 5); // distance 1
    }
    bits.push(0, 7); // the end of the block
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    stream.append(&mut bits.finish());
    stream.extend_from_slice(&[0; 8]);
    stream.into()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    /// Appends the `count` lowest bits, the lowest first.
    fn push(&mut self, bits: u32, count: u32) {
        self.pending |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending.to_le_bytes()[0]);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, (8 - self.count % 8) % 8);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with Python's `zlib.decompressobj(31)`, which unpacks it to 1,033 zeros and then
    /// reports the checksum.
    #[test]
    fn is_the_stream_that_a_decoder_was_tried_on() {
        let mut expected = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        expected.extend([0x63, 0x18, 0x05, 0xa3, 0x60, 0x14, 0x8c, 0x02, 0]);
        expected.extend([0; 8]);
        assert_eq!(gzip_bomb(1_000), expected);
        assert!(gzip_bomb(10_000_000).len() < 70_000);
    }
}
