//! Parsing of server keys.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use otpmux_core::Secret;
use zeroize::Zeroizing;

use super::KeyError;

/// Returns the bytes of the key of this id.
pub(super) fn bytes(id: &str, secret: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text =
        Secret::read(secret.expose()).map_err(|error| KeyError::Text(id.to_owned(), error))?;
    let decode = |alphabet: &Alphabet| {
        let config =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config).decode(text.expose()).ok().map(Zeroizing::new)
    };
    let bytes = decode(&STANDARD).or_else(|| decode(&URL_SAFE));
    let bytes = bytes.ok_or_else(|| KeyError::NotBase64(id.to_owned()))?;
    if (32..=64).contains(&bytes.len()) {
        Ok(bytes)
    } else {
        Err(KeyError::Length(id.to_owned(), bytes.len()))
    }
}
