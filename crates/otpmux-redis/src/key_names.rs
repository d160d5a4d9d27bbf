use otpmux_core::Purpose;
use otpmux_engine::{LimitKey, RecipientHash, VerificationId};

use crate::hex::hex;

/// KeyNames of this store's keys. All begin with one hash tag, so Redis Cluster keeps them on one node
/// and one script may use any of them.
///
/// Scripts build some of the names themselves, from what a record holds: those of records (in
/// `create.lua`, `check_guess.lua` and `uncover.lua`), of the newest record (in `uncover.lua`), of references (in
/// `ends.lua`), and of the limits of guesses (`guesses_keys` in `keys.lua`).
#[derive(Debug)]
pub(crate) struct KeyNames {
    /// `{namespace}:`.
    prefix: String,
}

impl KeyNames {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { prefix: format!("{{{namespace}}}:") }
    }

    /// Key of a record; its value is a text.
    pub(crate) fn record(&self, id: VerificationId) -> String {
        [&self.prefix, "verification:", &id.to_string()].concat()
    }

    /// Key that holds the id of the newest verification of a recipient, in any spelling, and
    /// purpose.
    pub(crate) fn live(&self, recipient: &RecipientHash, purpose: &Purpose) -> String {
        [&self.prefix, "live:", &hex(&recipient.counted()), ":", purpose.as_str()].concat()
    }

    /// Key that holds the id of the verification that the request with this name has created.
    pub(crate) fn request(&self, name: &[u8; 16]) -> String {
        [&self.prefix, "request:", &hex(name)].concat()
    }

    /// Key that holds the id of the newest verification with an external id, as a keyed hash.
    pub(crate) fn external(&self, tag: &[u8; 16]) -> String {
        [&self.prefix, "external:", &hex(tag)].concat()
    }

    /// Key of the guess with this name.
    pub(crate) fn guess(&self, name: &[u8; 16]) -> String {
        [&self.prefix, "guess:", &hex(name)].concat()
    }

    /// Key that holds the record and the index of the send attempt that a vendor's reference, as a
    /// keyed hash, names.
    pub(crate) fn reference(&self, tag: &[u8; 16]) -> String {
        [&self.prefix, "reference:", &hex(tag)].concat()
    }

    /// Key of a list of times.
    pub(crate) fn limit(&self, key: &LimitKey) -> String {
        [&self.prefix, "limit:", key.scope.as_str(), ":", &hex(&key.hash)].concat()
    }

    /// Key of a hash with one field for each provider and process.
    pub(crate) fn health(&self) -> String {
        format!("{}health", self.prefix)
    }

    /// Key of a hash with one field for each server key; it never expires.
    pub(crate) fn keys(&self) -> String {
        format!("{}keys", self.prefix)
    }

    /// Key that the readiness check writes.
    pub(crate) fn probe(&self) -> String {
        format!("{}probe", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use otpmux_engine::LimitScope;

    use super::*;

    #[test]
    fn every_key_has_the_hash_tag() {
        let names = KeyNames::new("eu-1");
        let recipient = RecipientHash([0xab; 32]);
        let key = LimitKey::of_guesses(LimitScope::Guesses, &recipient, [0xab; 8]);
        let half = "ab".repeat(16);
        assert_eq!(
            [
                names.record(VerificationId::from_bytes([1; 16])),
                names.live(&recipient, &Purpose::default()),
                names.request(&[0xab; 16]),
                names.reference(&[0xab; 16]),
                names.limit(&key),
                names.guess(&[0xab; 16]),
                names.external(&[0xab; 16]),
                names.health(),
                names.keys(),
                names.probe(),
            ],
            [
                format!("{{eu-1}}:verification:{}", "01".repeat(16)),
                format!("{{eu-1}}:live:{half}:default"),
                format!("{{eu-1}}:request:{half}"),
                format!("{{eu-1}}:reference:{half}"),
                format!("{{eu-1}}:limit:guesses:{half}"),
                format!("{{eu-1}}:guess:{half}"),
                format!("{{eu-1}}:external:{half}"),
                "{eu-1}:health".to_owned(),
                "{eu-1}:keys".to_owned(),
                "{eu-1}:probe".to_owned(),
            ],
        );
    }
}
