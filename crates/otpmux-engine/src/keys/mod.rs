use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hmac::{Hmac, Mac};
use otpmux_core::{Entropy, EntropyError, Purpose, Recipient, Secret, SecretTextError};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use code_mac::CodeMac;
pub use guess::{CodeForm, Guess, GuessName, GuessWindows, Which};

use crate::{LimitKey, LimitScope, VerificationId};

mod code_mac;
mod guess;
mod receipt_token;
mod reference;
mod text;

type HmacSha256 = Hmac<Sha256>;

const NONCE: usize = 12;
const TAG: usize = 16;

/// Id of a server key, stored with everything that the key signed or encrypted.
pub type KeyId = Arc<str>;

/// The keys that protect codes and recipients at rest. The first signs and encrypts; all verify and
/// decrypt, so that a key can be replaced while verifications made under the old one are pending.
///
/// Each server key is stretched into several by HMAC-SHA-256 with a label: two sign codes (bound to
/// a verification's id, and to what else selects it), one hashes recipients, one hashes other
/// personal data, and one gives each verification a separate AES-256-GCM key, so that the number of
/// verifications does not wear a key out.
///
/// A store alone reveals neither codes nor recipients. A store with its key does: a code has so few
/// digits that a holder of the key can try them all, HMAC or not. So the encrypted payload of a
/// resend may also contain the code without making anything weaker.
#[derive(Clone)]
pub struct ServerKeys {
    signing: Keys,
    older: Vec<Keys>,
    /// The keys are random, so no other process has them.
    ephemeral: bool,
}

#[derive(Clone)]
struct Keys {
    id: KeyId,
    code: HmacSha256,
    selected_code: HmacSha256,
    recipient: HmacSha256,
    tag: HmacSha256,
    seal: HmacSha256,
    receipt: HmacSha256,
    /// HMAC of a constant: equal for equal keys.
    check: [u8; 32],
}

/// Error returned by [`ServerKeys::new`].
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key.
    #[error("at least one server key is needed")]
    None,
    /// An id that could look like another one.
    #[error("a server key's id must be 1 to 64 visible ASCII characters")]
    Id,
    /// A text with invisible characters or quotes, which would make two keys that look the same
    /// differ.
    #[error("server key `{0}` {1}")]
    Text(String, SecretTextError),
    /// A text that is not base64.
    #[error("server key `{0}` is not base64; make one with `openssl rand -base64 32`")]
    NotBase64(String),
    /// A key that could be guessed, or a text that is no key; with its length in bytes.
    #[error(
        "server key `{0}` has {1} bytes, and needs 32 to 64; make one with `openssl rand -base64 32`"
    )]
    Length(String, usize),
    /// Two keys have the same id.
    #[error("two server keys are named `{0}`")]
    Twice(String),
}

otpmux_core::debug_as_display!(KeyError);

impl ServerKeys {
    /// Creates a key ring of named keys, the signing one first. Each key is 32 to 64 bytes in
    /// base64, in the common or the URL alphabet, padded or not; it is read as [`Secret::read`]
    /// does, so that processes whose keys differ by a line ending have the same key.
    pub fn new(keys: &[(String, Secret)]) -> Result<Self, KeyError> {
        let mut ring = Vec::with_capacity(keys.len());
        for (at, (id, secret)) in keys.iter().enumerate() {
            if !(1..=64).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(KeyError::Id);
            }
            if keys[..at].iter().any(|(other, _)| other == id) {
                return Err(KeyError::Twice(id.clone()));
            }
            ring.push(Keys::new(id, &text::bytes(id, secret)?));
        }
        let mut ring = ring.into_iter();
        let signing = ring.next().ok_or(KeyError::None)?;
        Ok(Self { signing, older: ring.collect(), ephemeral: false })
    }

    /// Creates a key ring of one random key, for a store that lives no longer than the process.
    pub fn ephemeral(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        entropy.fill(&mut *key)?;
        Ok(Self { signing: Keys::new("ephemeral", &*key), older: Vec::new(), ephemeral: true })
    }

    /// The id of the key that signs and encrypts.
    pub fn signing_id(&self) -> &KeyId {
        &self.signing.id
    }

    /// Whether this ring can verify what the other ring signs now.
    pub fn holds_signing_key_of(&self, other: &Self) -> bool {
        // One id may be used for two keys.
        let same = |keys: &Keys| {
            keys.id == other.signing.id && keys.check.ct_eq(&other.signing.check).into()
        };
        self.all().any(same)
    }

    /// The check values by which a store detects processes with different keys. Empty for a random
    /// key, which no other process has.
    pub fn checks(&self) -> Vec<KeyCheck> {
        if self.ephemeral {
            return Vec::new();
        }
        self.all().map(|keys| KeyCheck { id: Arc::clone(&keys.id), value: keys.check }).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.signing).chain(&self.older)
    }

    /// Returns the form of a recipient at rest, the same for every purpose. Under the signing key
    /// only: after a key change, the live verification made under the old key is not found by
    /// recipient.
    pub fn hash(&self, recipient: &Recipient) -> RecipientHash {
        self.signing.hash(recipient)
    }

    /// Returns the form of a recipient at rest under every key, the signing key's first.
    pub fn hashes(&self, recipient: &Recipient) -> Vec<RecipientHash> {
        self.all().map(|keys| keys.hash(recipient)).collect()
    }

    /// Returns the key under which hits of this scope and value are counted; the value is hashed.
    pub(crate) fn limit_key(&self, scope: LimitScope, value: &[u8]) -> LimitKey {
        LimitKey { scope, hash: self.tag(scope.as_str(), value) }
    }

    /// Returns a short keyed hash of other personal data, such as an address. `label` keeps uses
    /// apart. Under the signing key only.
    pub fn tag(&self, label: &str, value: &[u8]) -> [u8; 16] {
        self.signing.tagged(label, &[value])
    }

    /// Encrypts the payload of a resend, bound to its verification and purpose.
    pub fn seal(
        &self,
        id: VerificationId,
        purpose: &Purpose,
        text: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        self.seal_as(id, &associated(id, purpose), text, entropy)
    }

    /// As [`seal`](Self::seal), for a text of at most `most` bytes that `write` appends to what it is
    /// given. It is encrypted in its place, so that no copy of it is left.
    pub(crate) fn seal_written(
        &self,
        id: VerificationId,
        purpose: &Purpose,
        most: usize,
        write: impl FnOnce(&mut Vec<u8>),
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        self.sealed(id, &associated(id, purpose), most, write, entropy)
    }

    /// Encrypts a text of a verification, bound to what it is.
    pub(crate) fn seal_as(
        &self,
        id: VerificationId,
        aad: &[u8],
        text: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        let write = |place: &mut Vec<u8>| place.extend_from_slice(text);
        self.sealed(id, aad, text.len(), write, entropy)
    }

    fn sealed(
        &self,
        id: VerificationId,
        aad: &[u8],
        most: usize,
        write: impl FnOnce(&mut Vec<u8>),
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce)?;
        let sealed = self.signing.encrypt(id, nonce, aad, most, write);
        let bytes = sealed.ok_or_else(EntropyError::new)?.into();
        Ok(Sealed { key: Arc::clone(&self.signing.id), bytes })
    }

    /// Decrypts a payload; `None` when the key is gone or the bytes were tampered with.
    pub fn open(&self, id: VerificationId, purpose: &Purpose, sealed: &Sealed) -> Option<Vec<u8>> {
        self.open_as(id, &associated(id, purpose), sealed)
    }

    /// Decrypts a text that was bound to what it is.
    pub(crate) fn open_as(
        &self,
        id: VerificationId,
        aad: &[u8],
        sealed: &Sealed,
    ) -> Option<Vec<u8>> {
        self.decrypt(id, &sealed.key, &sealed.bytes, aad)
    }

    /// Decrypts bytes that [`Keys::encrypt`] encrypted under the key of this id.
    fn decrypt(&self, id: VerificationId, key: &str, bytes: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let keys = self.all().find(|keys| &*keys.id == key)?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE>()?;
        let (nonce, mut text) = (Nonce::assume_unique_for_key(*nonce), text.to_vec());
        let length = keys.cipher(id)?.open_in_place(nonce, Aad::from(aad), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

fn associated(id: VerificationId, purpose: &Purpose) -> Vec<u8> {
    [&id.to_bytes()[..], purpose.as_str().as_bytes()].concat()
}

impl Keys {
    fn new(id: &str, secret: &[u8]) -> Self {
        let derive = |label: &str| -> zeroize::Zeroizing<[u8; 32]> {
            let mut mac = keyed(secret);
            mac.update(label.as_bytes());
            zeroize::Zeroizing::new(mac.finalize().into_bytes().into())
        };
        Self {
            id: id.into(),
            code: keyed(&*derive("otpmux code v1")),
            selected_code: keyed(&*derive("otpmux selected code v1")),
            recipient: keyed(&*derive("otpmux recipient v1")),
            tag: keyed(&*derive("otpmux tag v1")),
            seal: keyed(&*derive("otpmux seal v1")),
            receipt: keyed(&*derive("otpmux receipt v1")),
            check: *derive("otpmux check v1"),
        }
    }

    fn tagged(&self, label: &str, value: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.tag.clone();
        // No label contains a zero, so a value cannot pass for the end of a label.
        mac.update(label.as_bytes());
        mac.update(&[0]);
        for part in value {
            mac.update(part);
        }
        let mut tag = [0; 16];
        tag.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        tag
    }

    fn hash(&self, recipient: &Recipient) -> RecipientHash {
        let of = |form: &str| -> [u8; 32] {
            let mut mac = self.recipient.clone();
            mac.update(form.as_bytes());
            mac.finalize().into_bytes().into()
        };
        let (canonical, counted) = (recipient.canonical(), recipient.counted());
        let mut hash = of(&counted);
        if counted != canonical {
            hash[16..].copy_from_slice(&of(&canonical)[16..]);
        }
        RecipientHash(hash)
    }

    /// Returns the cipher of one verification. Its key is wiped when it is dropped.
    fn cipher(&self, id: VerificationId) -> Option<LessSafeKey> {
        let mut mac = self.seal.clone();
        mac.update(&id.to_bytes());
        let key = zeroize::Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        // It fails only for keys of another length, and without memory.
        UnboundKey::new(&AES_256_GCM, &*key).ok().map(LessSafeKey::new)
    }

    /// Returns the nonce and the ciphertext of a text of at most `most` bytes, which `write` appends.
    /// No two texts of one verification may have the same nonce.
    fn encrypt(
        &self,
        id: VerificationId,
        nonce: [u8; NONCE],
        aad: &[u8],
        most: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Vec<u8>> {
        // With room for all of it: a vector that grows leaves a copy behind.
        let mut sealed = Vec::with_capacity(NONCE + most + TAG);
        sealed.extend_from_slice(&nonce);
        write(&mut sealed);
        let (nonce, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(aad));
        let text = &mut sealed[NONCE..];
        // The cipher fails only for texts of more than 64 GiB.
        let tag = self.cipher(id)?.seal_in_place_separate_tag(nonce, aad, text).ok()?;
        sealed.extend_from_slice(tag.as_ref());
        Some(sealed)
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
fn keyed(key: &[u8]) -> HmacSha256 {
    <HmacSha256 as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length")
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(|keys| &keys.id)).finish()
    }
}

/// Check value by which a store detects two processes with different keys under one id: a keyed
/// hash of a constant, which reveals nothing about the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct KeyCheck {
    /// The key's id.
    pub id: KeyId,
    /// Equal for the same key, different for any other.
    pub value: [u8; 32],
}

/// A recipient at rest: a keyed hash, the same for all spellings that certainly name the same
/// telephone or mailbox ([`Recipient::canonical`]).
///
/// Its first half is the same for all spellings that may do so ([`Recipient::counted`]): limits
/// count by it, and a newer verification supersedes an older one by it. The whole hash identifies
/// the recipient of a code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct RecipientHash(pub [u8; 32]);

impl RecipientHash {
    /// The half that is the same for all spellings that may name the same recipient.
    pub fn counted(&self) -> [u8; 16] {
        let mut counted = [0; 16];
        counted.copy_from_slice(&self.0[..16]);
        counted
    }
}

/// The payload of a resend, encrypted.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Sealed {
    /// The key that encrypted it.
    pub key: KeyId,
    /// The nonce and the ciphertext.
    pub bytes: Box<[u8]>,
}

/// Codes have few digits, and numbers are few too: a holder of the key can compute the value behind
/// a MAC or hash. So none is shown.
macro_rules! show_key_only {
    ($($type:ident $(.$key:ident)?),*) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field("key", &self.$key))?
                    .finish_non_exhaustive()
            }
        })*
    };
}
show_key_only!(
    CodeMac.key,
    CodeForm.key,
    Sealed.key,
    RecipientHash,
    Guess,
    GuessName,
    GuessWindows,
    Which
);

#[cfg(test)]
pub(crate) mod tests {
    use otpmux_core::OsEntropy;

    use super::*;

    pub(super) fn ring(names: &[&str]) -> ServerKeys {
        let key = |name: &&str| ((*name).to_owned(), Secret::new(format!("{name:k<42}A")));
        ServerKeys::new(&names.iter().map(key).collect::<Vec<_>>()).unwrap()
    }

    fn id(n: u8) -> VerificationId {
        VerificationId::from_bytes([n; 16])
    }

    #[test]
    fn sec_09_a_new_key_opens_what_the_old_one_sealed() {
        let (old, rotated) = (ring(&["old"]), ring(&["new", "old"]));
        let purpose = Purpose::default();
        let sealed = old.seal(id(1), &purpose, b"text", &OsEntropy).unwrap();
        assert_eq!(rotated.open(id(1), &purpose, &sealed).unwrap(), b"text");
        assert_eq!(&**rotated.signing_id(), "new");
        assert!(ring(&["new"]).open(id(1), &purpose, &sealed).is_none(), "the old key is gone");
    }

    /// What the crate `aes-gcm` sealed opens, and it would open this.
    #[test]
    fn sealed_data_does_not_depend_on_the_library() {
        #[derive(Debug)]
        struct Fixed;
        impl Entropy for Fixed {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
                bytes.fill(9);
                Ok(())
            }
        }
        let (ring, purpose) = (ring(&["a"]), Purpose::new("login").unwrap());
        let sealed = ring.seal(id(1), &purpose, b"+14155550123", &Fixed).unwrap();
        let hex =
            sealed.bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let by_the_other =
            "09090909090909090909090980a8160c93f7b5e8a9b55438a6f74d83b46a687ee023c0cca4735590";
        assert_eq!(hex, by_the_other);
        assert_eq!(ring.open(id(1), &purpose, &sealed).unwrap(), b"+14155550123");
    }

    #[test]
    fn sealed_data_is_bound_to_its_verification_and_purpose() {
        let (ring, purpose) = (ring(&["a"]), Purpose::new("login").unwrap());
        let mut sealed = ring.seal(id(1), &purpose, b"+14155550123", &OsEntropy).unwrap();
        assert!(ring.open(id(2), &purpose, &sealed).is_none());
        assert!(ring.open(id(1), &Purpose::default(), &sealed).is_none());
        assert!(!sealed.bytes.windows(6).any(|w| w == b"415555"));
        sealed.bytes[30] ^= 1;
        assert!(ring.open(id(1), &purpose, &sealed).is_none(), "tampered with");
    }

    #[test]
    fn rings_that_cannot_be() {
        let one = |id: &str, key: &str| {
            ServerKeys::new(&[(id.to_owned(), Secret::new(key))]).map(|ring| ring.signing.check)
        };
        let key = "k".repeat(43);
        assert_eq!(ServerKeys::new(&[]).unwrap_err(), KeyError::None);
        for id in ["", "a b", "a ", "\u{e4}", &"a".repeat(65)] {
            assert_eq!(one(id, &key), Err(KeyError::Id), "{id:?}");
        }
        let length = |bytes| Err(KeyError::Length("a".into(), bytes));
        assert_eq!(one("a", "short"), Err(KeyError::NotBase64("a".into())));
        assert_eq!(one("a", "c2hvcnQ="), length(5));
        assert_eq!(one("a", &"k".repeat(88)), length(66));
        for text in [format!("{key}!"), format!("{key}=="), format!("{} {key}", &key[..4])] {
            assert_eq!(one("a", &text), Err(KeyError::NotBase64("a".into())), "{text}");
        }
        let told = one("a", &format!("{key}\u{200b}")).unwrap_err().to_string();
        assert_eq!(
            told,
            "server key `a` holds a character without width (U+200B) at character 44; remove it"
        );
        assert!(matches!(one("a", &format!("\"{key}\"")), Err(KeyError::Text(..))));
        let twice = [0, 1].map(|_| ("a".to_owned(), Secret::new(&*key)));
        assert_eq!(ServerKeys::new(&twice).unwrap_err(), KeyError::Twice("a".into()));
        // The same bytes are the same key in any spelling.
        let written = "+/+/".repeat(10) + "+/8=";
        for same in [
            written.replace('+', "-").replace('/', "_"),
            written.replace('=', ""),
            format!("\u{feff}{written}\r\n"),
        ] {
            assert_eq!(one("a", &same), one("a", &written), "{same:?}");
        }
        assert_eq!(format!("{:?}", ring(&["a", "b"])), r#"["a", "b"]"#);
    }
}
