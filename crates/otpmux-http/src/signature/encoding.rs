use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padded when written; read with and without padding.
const STANDARD_BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Not padded when written, as JWTs need; read with and without padding.
const URL_BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a vendor writes the bytes of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Hexadecimal digits. Written in lower case, read in both.
    Hex,
    /// Base64. Written with padding, read with and without.
    Base64,
    /// Base64 of the URL alphabet. Written without padding, read with and without.
    Base64Url,
}

impl Encoding {
    /// Returns the text of these bytes.
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => base16ct::lower::encode_string(bytes),
            Self::Base64 => STANDARD_BASE64.encode(bytes),
            Self::Base64Url => URL_BASE64.encode(bytes),
        }
    }

    /// Returns the bytes of a text; `None` if it is not of this form.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => base16ct::mixed::decode_vec(text).ok(),
            Self::Base64 => STANDARD_BASE64.decode(text).ok(),
            Self::Base64Url => URL_BASE64.decode(text).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_forms_that_vendors_write_and_no_other() {
        for (encoding, text, bytes) in [
            (Encoding::Hex, "00ff1A", Some(vec![0, 255, 26])),
            (Encoding::Hex, "00f", None),
            (Encoding::Hex, "0g", None),
            (Encoding::Hex, "+1", None),
            (Encoding::Base64, "+/8=", Some(vec![251, 255])),
            (Encoding::Base64, "+/8", Some(vec![251, 255])),
            (Encoding::Base64, "-_8", None),
            (Encoding::Base64Url, "-_8", Some(vec![251, 255])),
            (Encoding::Base64Url, "-_8=", Some(vec![251, 255])),
            (Encoding::Base64Url, "+/8", None),
            (Encoding::Base64, "a b=", None),
        ] {
            assert_eq!(encoding.decode(text), bytes, "{encoding:?} {text}");
        }
    }

    proptest! {
        #[test]
        fn written_text_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            for encoding in [Encoding::Hex, Encoding::Base64, Encoding::Base64Url] {
                prop_assert_eq!(encoding.decode(&encoding.encode(&bytes)), Some(bytes.clone()));
            }
        }
    }
}
