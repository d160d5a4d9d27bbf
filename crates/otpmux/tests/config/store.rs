//! `[store]`: which addresses are taken, and that none is ever shown.

use crate::{read, read_in, with};

const KEY: &str = "[[server_keys]]\nid = \"1\"\nkey = \"env:SERVER_KEY\"\n";

fn store(lines: &str) -> String {
    with(&format!("[store]\n{lines}\n{KEY}"))
}

fn mistakes(lines: &str) -> Vec<String> {
    let mistakes = read(&store(lines)).expect_err(lines);
    for mistake in &mistakes {
        assert!(!mistake.contains("swordfish"), "{mistake}");
    }
    mistakes
}

#[test]
fn addresses_that_are_none() {
    let unknown = "store.url: not a store that is known; write memory:, sqlite:PATH, \
                   redis://HOST, rediss://HOST or postgres://HOST/DATABASE";
    for url in ["memory", "mysql://u:swordfish@h", "swordfish", "REDIS://h", "redis:h", "/tmp/x"] {
        assert_eq!(mistakes(&format!("url = \"{url}\"")), [unknown], "{url}");
    }
    let nothing_behind = "store.url: write memory: and nothing behind it";
    assert_eq!(mistakes("url = \"memory:swordfish\""), [nothing_behind]);
    let path = "store.url: needs a path and no slashes before it: sqlite:otpmux.db or \
                sqlite:/var/lib/otpmux/otpmux.db";
    for url in ["sqlite:", "sqlite://otpmux.db", "sqlite:///var/lib/otpmux.db"] {
        assert_eq!(mistakes(&format!("url = \"{url}\"")), [path]);
    }
    assert_eq!(
        mistakes("url = \"sqlite::memory:\""),
        ["store.url: write memory: for one in memory"]
    );
    assert_eq!(
        mistakes("url = \"\"\ncapacity = 0\nurls = 1"),
        [
            "store.urls: unknown key; did you mean `url`?",
            "store.url: must be text in quotes, not empty text",
            "store.capacity: must be a whole number from 1 to 100000000",
        ]
    );
}

#[test]
fn sec_a_password_is_a_secret() {
    let plain = "store.url: holds a password in plain text; write env:NAME or file:PATH for the \
                 whole of it, or set allow_literal_secrets = true";
    for url in [
        "redis://:swordfish@h",
        "rediss://u:swordfish@h:6379/1",
        "redis://a,redis://:swordfish@b",
        "postgres://u:swordfish@h/d",
        "postgresql://h/d?user=u&password=swordfish",
    ] {
        assert_eq!(mistakes(&format!("url = \"{url}\"")), [plain]);
    }
    assert_eq!(
        mistakes("url = \"env:NO_SUCH\""),
        ["store.url: the environment variable `NO_SUCH` is not set"]
    );
    let environment = crate::environment().with("REDIS_URL", "mysql://u:swordfish@h");
    let wrong = read_in(&store("url = \"env:REDIS_URL\""), &environment).unwrap_err();
    assert!(!wrong.concat().contains("swordfish"), "{wrong:?}");
}

#[test]
fn keys_of_another_kind_of_store() {
    assert_eq!(
        mistakes(
            "durability = \"power\"\nnamespace = \"login\"\ncluster = false\nschema = \"s\"\nanswer_timeout = \"1s\""
        ),
        [
            "store.durability: is for a store at sqlite:, and this is a store in memory",
            "store.namespace: is for a store at redis://, and this is a store in memory",
            "store.cluster: is for a store at redis://, and this is a store in memory",
            "store.schema: is for a store at postgres://, and this is a store in memory",
            "store.answer_timeout: is for a store at redis:// or a store at postgres://, and this \
             is a store in memory",
        ]
    );
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::time::Duration;

    use otpmux::config::{Durability, StoreConfig};
    use otpmux::{Code, NewVerification, OtpClient, Verdict};
    use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn is_opened_by_a_client_and_by_nothing_else() {
        let scratch = TempDir::new().unwrap();
        let file = scratch.path().join("otpmux.db");
        let section = format!(
            "url = \"sqlite:{}\"\ndurability = \"process\"\nbusy_timeout = \"250ms\"\n\
             max_bytes = 2_000_000",
            file.display()
        );
        let config = read(&store(&section)).unwrap();
        let expected = StoreConfig::Sqlite {
            durability: Durability::Process,
            busy_timeout: Duration::from_millis(250),
            max_bytes: 2_000_000,
        };
        assert_eq!(config.store(), &expected);
        assert!(config.store().is_shared() && !file.exists(), "not opened by being read");
        assert!(!format!("{config:?}").contains("otpmux.db"));
        OtpClient::from_config(&config).unwrap();
        assert!(file.exists());
    }

    /// As two processes would.
    #[tokio::test]
    async fn a_code_of_one_client_is_verified_by_another() {
        let scratch = TempDir::new().unwrap();
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let text = format!(
            "[store]\nurl = \"sqlite:{}\"\n{KEY}[providers.p]\nkind = \"easyotp\"\n\
             api_key = \"env:EASY\"\nbase_url = \"{}\"\n",
            scratch.path().join("otpmux.db").display(),
            emulator.base_url(Vendor::EasyOtp)
        );
        let environment = crate::environment().with("EASY", emulator.easyotp().api_key);
        let config = || read_in(&text, &environment).unwrap();
        let clients = [(); 2].map(|()| OtpClient::from_config(&config()).unwrap());
        let to: otpmux::Recipient = "+919876543210".parse().unwrap();
        let sent = clients[0].send(NewVerification::to(to)).await.unwrap();
        let typed: Code = emulator.last_code("+919876543210").unwrap().parse().unwrap();
        assert_eq!(clients[1].verify(sent.id, &typed).await.unwrap(), Verdict::Approved);
        assert_eq!(clients[0].verify(sent.id, &typed).await.unwrap(), Verdict::AlreadyUsed);

        assert_eq!(clients[0].reload_config(&config()).await.unwrap().unchanged.len(), 1);
        let other = read_in(&text.replace("otpmux.db", "other.db"), &environment).unwrap();
        let refused = clients[0].reload_config(&other).await.unwrap_err().to_string();
        assert!(refused.contains("the store cannot change"), "{refused}");
        assert!(!scratch.path().join("other.db").exists(), "not even opened");
    }

    #[test]
    fn that_cannot_be_opened_says_why() {
        let config = read(&store("url = \"sqlite:/no/such/directory/otpmux.db\"")).unwrap();
        let error = OtpClient::from_config(&config).unwrap_err().to_string();
        assert!(error.contains("\n  store: cannot open /no/such/directory/otpmux.db"), "{error}");
        assert!(error.ends_with("No such file or directory (os error 2)"), "{error}");
    }

    #[test]
    fn needs_a_key_that_stays() {
        let text = with("[store]\nurl = \"sqlite:otpmux.db\"");
        assert_eq!(
            read(&text).unwrap_err(),
            ["server_keys: missing; what this store holds must be good after a restart and for \
              other processes. Add [[server_keys]] with id = \"1\" and key = \"env:SERVER_KEY\", \
              the same in each; make one with `openssl rand -base64 32`"]
        );
    }

    #[test]
    fn has_all_its_mistakes_reported() {
        assert_eq!(
            mistakes(
                "url = \"sqlite:a.db\"\ncapacity = 5\ndurability = \"none\"\nmax_bytes = 1000\n\
                 busy_timeout = \"2h\""
            ),
            [
                "store.durability: must be one of: power, process",
                "store.busy_timeout: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
                 from 10ms to 1m",
                "store.max_bytes: must be a whole number from 1048576 to 1099511627776",
                "store.capacity: is for a store in memory, and this is a store at sqlite:",
            ]
        );
    }

    #[test]
    fn defaults_are_its_own() {
        let config = read(&store("url = \"sqlite:a.db\"")).unwrap();
        let default = otpmux::sqlite::Options::default();
        let expected = StoreConfig::Sqlite {
            durability: Durability::Power,
            busy_timeout: default.busy_timeout,
            max_bytes: default.max_bytes,
        };
        assert_eq!(config.store(), &expected);
        assert_eq!(default.durability, otpmux::sqlite::Durability::Power);
    }
}

#[cfg(feature = "redis")]
mod redis {
    use std::time::Duration;

    use otpmux::config::{Environment, StoreConfig};
    use otpmux::{Config, OtpClient};

    use super::*;

    #[test]
    fn is_read_without_a_server_and_hides_where_it_is() {
        let environment =
            crate::environment().with("REDIS_URL", "rediss://u:swordfish@redis.internal");
        let text =
            store("url = \"env:REDIS_URL\"\nnamespace = \"login\"\nconnect_timeout = \"500ms\"");
        let config = read_in(&text, &environment).unwrap();
        let default = otpmux::redis::Options::default();
        let expected = StoreConfig::Redis {
            namespace: "login".to_owned(),
            cluster: default.cluster,
            connect_timeout: Duration::from_millis(500),
            answer_timeout: default.answer_timeout,
        };
        assert_eq!(config.store(), &expected);
        let client = OtpClient::from_config(&config).unwrap();
        let shown = format!("{config:?} {client:?}");
        assert!(!shown.contains("swordfish") && !shown.contains("internal"), "{shown}");
    }

    #[test]
    fn defaults_are_its_own() {
        let default = otpmux::redis::Options::default();
        let config = read(&store("url = \"redis://h\"")).unwrap();
        let expected = StoreConfig::Redis {
            namespace: default.namespace,
            cluster: default.cluster,
            connect_timeout: default.connect_timeout,
            answer_timeout: default.answer_timeout,
        };
        assert_eq!(config.store(), &expected);
    }

    #[test]
    fn a_cluster_has_several_addresses() {
        let nodes = "url = \"redis://10.0.0.1:7000, redis://10.0.0.2:7000\"";
        assert!(read(&store(&format!("{nodes}\ncluster = true"))).is_ok());
        assert_eq!(
            mistakes(nodes),
            [
                "store.url: several Redis URLs need cluster = true: they are the nodes of one cluster"
            ]
        );
    }

    #[test]
    fn an_impossible_setting_is_reported_when_it_is_read() {
        assert_eq!(
            mistakes("url = \"redis://h:notaport\""),
            ["store.url: Redis URL number 1 is not of the form \
              redis://user:password@host:port/database, rediss://… or unix:///path"]
        );
        assert_eq!(
            mistakes("url = \"redis://h\"\nnamespace = \"Log in\""),
            ["store.namespace: must be 1 to 32 characters of a-z, 0-9, '_' and '-'"]
        );
        for (key, ends) in [("connect_timeout", ["9ms", "61s"]), ("answer_timeout", ["0s", "2m"])] {
            for end in ends {
                let told = mistakes(&format!("url = \"redis://h\"\n{key} = \"{end}\""));
                assert!(told[0].ends_with("from 10ms to 1m"), "{told:?}");
            }
            for end in ["10ms", "1m"] {
                let text = store(&format!("url = \"redis://h\"\n{key} = \"{end}\""));
                assert!(read(&text).is_ok(), "the store takes what the range does");
            }
        }
    }

    #[test]
    fn an_override_means_what_it_would_mean_in_the_file() {
        let environment = Environment::new()
            .with("KEY", "made-up")
            .with("SERVER_KEY", crate::SERVER_KEY)
            .with("REDIS_URL", "redis://:swordfish@h")
            .with("OTPMUX_STORE__URL", "env:REDIS_URL")
            .with("OTPMUX_STORE__NAMESPACE", "eu");
        let text = with(KEY);
        let config = Config::from_toml(&text, &environment).unwrap();
        assert!(
            matches!(config.store(), StoreConfig::Redis { namespace, .. } if namespace == "eu")
        );
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::time::Duration;

    use otpmux::OtpClient;
    use otpmux::config::StoreConfig;

    use super::*;

    #[test]
    fn is_read_without_a_server_and_hides_where_it_is() {
        let url = "postgres://u:swordfish@db.internal/otpmux?sslmode=disable";
        let environment = crate::environment().with("STORE_URL", url);
        let text = store(
            "url = \"env:STORE_URL\"\nschema = \"login\"\nmigrate = false\nconnections = 3\n\
             connect_timeout = \"500ms\"",
        );
        let config = read_in(&text, &environment).unwrap();
        let expected = StoreConfig::Postgres {
            schema: "login".to_owned(),
            migrate: false,
            connections: 3,
            connect_timeout: Duration::from_millis(500),
            answer_timeout: otpmux::postgres::Options::default().answer_timeout,
        };
        assert_eq!(config.store(), &expected);
        assert!(config.store().is_shared());
        let client = OtpClient::from_config(&config).unwrap();
        let shown = format!("{config:?} {client:?}");
        assert!(!shown.contains("swordfish") && !shown.contains("internal"), "{shown}");
    }

    #[test]
    fn defaults_are_its_own() {
        let default = otpmux::postgres::Options::default();
        let config = read(&store("url = \"postgres://localhost/otpmux\"")).unwrap();
        let expected = StoreConfig::Postgres {
            schema: default.schema,
            migrate: default.migrate,
            connections: default.connections,
            connect_timeout: default.connect_timeout,
            answer_timeout: default.answer_timeout,
        };
        assert_eq!(config.store(), &expected);
    }

    #[test]
    fn what_cannot_be_is_reported_when_it_is_read() {
        assert_eq!(
            mistakes("url = \"postgres://localhost/otpmux\"\nschema = \"Log in\""),
            ["store.schema: must be 1 to 32 characters of a-z, 0-9 and '_', begin with a letter, \
              and not with pg_"]
        );
        let url = mistakes("url = \"postgres://h:notaport/otpmux\"");
        assert!(url[0].starts_with("store.url: not of the form postgres://"), "{url:?}");
        let mode = mistakes("url = \"postgres://h/otpmux?sslmode=prefer\"");
        assert!(mode[0].starts_with("store.url: sslmode must be"), "{mode:?}");
    }
}
