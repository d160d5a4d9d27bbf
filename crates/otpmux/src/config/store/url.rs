use otpmux_core::Secret;
use sha2::{Digest as _, Sha256};

/// The address of a store. It may hold a password, so no part of it is ever shown.
#[derive(Clone)]
pub(super) struct Url {
    kind: Kind,
    text: Secret,
}

/// The kind of store of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Memory,
    Sqlite,
    Redis,
    Postgres,
}

const SCHEMES: [(&str, Kind); 7] = [
    ("memory:", Kind::Memory),
    ("sqlite:", Kind::Sqlite),
    ("redis://", Kind::Redis),
    ("rediss://", Kind::Redis),
    ("unix://", Kind::Redis),
    ("postgres://", Kind::Postgres),
    ("postgresql://", Kind::Postgres),
];

impl Kind {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Memory => "a store in memory",
            Self::Sqlite => "a store at sqlite:",
            Self::Redis => "a store at redis://",
            Self::Postgres => "a store at postgres://",
        }
    }

    /// Returns whether an address of this kind holds a password, from what follows its scheme.
    fn holds_password(self, rest: &str) -> bool {
        match self {
            Self::Memory | Self::Sqlite => false,
            Self::Redis => holds_password(rest),
            // Its parameters may hold one too.
            Self::Postgres => holds_password(rest) || rest.contains("password="),
        }
    }

    /// Returns the feature that adds this kind, if it is off.
    fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Sqlite if !cfg!(feature = "sqlite") => Some("sqlite"),
            Self::Redis if !cfg!(feature = "redis") => Some("redis"),
            Self::Postgres if !cfg!(feature = "postgres") => Some("postgres"),
            _ => None,
        }
    }
}

impl Url {
    pub(super) fn memory() -> Self {
        Self { kind: Kind::Memory, text: Secret::new("memory:") }
    }

    pub(super) fn parse(text: &str, allow_password: bool) -> Result<Self, String> {
        let Some((scheme, kind)) = SCHEMES.into_iter().find(|(scheme, _)| text.starts_with(scheme))
        else {
            return fault(
                "not a store that is known; write memory:, sqlite:PATH, redis://HOST, \
                 rediss://HOST or postgres://HOST/DATABASE",
            );
        };
        let rest = &text[scheme.len()..];
        match kind {
            Kind::Memory if !rest.is_empty() => {
                return fault("write memory: and nothing behind it");
            }
            Kind::Sqlite if rest.is_empty() || rest.starts_with("//") => {
                return fault(
                    "needs a path and no slashes before it: sqlite:otpmux.db or \
                     sqlite:/var/lib/otpmux/otpmux.db",
                );
            }
            Kind::Sqlite if rest == ":memory:" => return fault("write memory: for one in memory"),
            Kind::Redis | Kind::Postgres if !allow_password && kind.holds_password(rest) => {
                return fault(
                    "holds a password in plain text; write env:NAME or file:PATH for the whole \
                     of it, or set allow_literal_secrets = true",
                );
            }
            _ => {}
        }
        if let Some(feature) = kind.missing_feature() {
            return Err(format!(
                "`{scheme}` is not compiled in; enable the feature `{feature}` of the crate `otpmux`"
            ));
        }
        Ok(Self { kind, text: Secret::new(text) })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the path of a file.
    #[cfg(feature = "sqlite")]
    pub(super) fn path(&self) -> &std::path::Path {
        std::path::Path::new(self.text.expose().strip_prefix("sqlite:").unwrap_or_default())
    }

    /// Returns the address of each server.
    #[cfg(feature = "redis")]
    pub(super) fn servers(&self) -> impl Iterator<Item = &str> {
        self.text.expose().split(',').map(str::trim)
    }

    /// Returns the whole address.
    #[cfg(feature = "postgres")]
    pub(super) fn whole(&self) -> &str {
        self.text.expose()
    }

    /// Returns a hash of the address and of `more`, in hex: two spellings of one address give the
    /// same hash.
    pub(super) fn hash_with(&self, more: &str) -> String {
        let text = self.text.expose();
        let plain = Secret::new(match self.kind {
            Kind::Memory | Kind::Postgres => text.to_owned(),
            Kind::Sqlite => {
                let path = text.strip_prefix("sqlite:").unwrap_or_default();
                let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
                whole.to_string_lossy().into_owned()
            }
            Kind::Redis => {
                let mut servers: Vec<_> = text.split(',').map(str::trim).collect();
                servers.sort_unstable();
                servers.join(",")
            }
        });
        let mut hash = Sha256::new();
        for part in [plain.expose(), more] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        base16ct::lower::encode_string(&hash.finalize())
    }
}

/// Returns whether the address of a server holds a password.
pub(crate) fn is_secret(text: &str) -> bool {
    let scheme = SCHEMES.iter().find(|(scheme, _)| text.starts_with(scheme));
    scheme.is_some_and(|(scheme, kind)| kind.holds_password(&text[scheme.len()..]))
}

/// Returns whether a host follows a user's `name:password`.
fn holds_password(rest: &str) -> bool {
    rest.rsplit_once('@').is_some_and(|(users, _)| users.contains(':'))
}

fn fault<T>(message: &str) -> Result<T, String> {
    Err(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_wherever_it_stands() {
        for with in ["u:p@h", ":p@h", "h1,redis://:p@h2", ":a,b@h", ":a@b@h", "u:p@h/1"] {
            assert!(holds_password(with), "{with}");
        }
        for without in ["h", "h:6379", "u@h", "h1:1,redis://h2:2", "h/1?protocol=resp3"] {
            assert!(!holds_password(without), "{without}");
        }
    }

    #[test]
    fn one_place_has_one_hash_however_it_is_written() {
        let hash = |kind, text: &str| Url { kind, text: Secret::new(text) }.hash_with("more");
        let file = |text| hash(Kind::Sqlite, text);
        assert_eq!(file("sqlite:a.db"), file("sqlite:./a.db"));
        assert_ne!(file("sqlite:a.db"), file("sqlite:b.db"));
        let servers = |text| hash(Kind::Redis, text);
        assert_eq!(servers("redis://a, redis://b"), servers("redis://b,redis://a"));
        assert_ne!(servers("redis://a,redis://b"), servers("redis://a"));
        let memory = Url::memory();
        assert_ne!(memory.hash_with("a"), memory.hash_with("b"));
        assert_eq!(memory.hash_with("a").len(), 64);
    }
}
