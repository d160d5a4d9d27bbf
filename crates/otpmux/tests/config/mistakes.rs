//! Files that are wrong, and the whole of what is said about each.

use otpmux::config::Registry;

use crate::{read, with};

fn kinds() -> String {
    Registry::with_compiled_in().kinds().collect::<Vec<_>>().join(", ")
}

pub(crate) fn assert_mistakes(text: &str, expected: &[&str]) {
    let mistakes = read(text).expect_err(text);
    assert_eq!(mistakes, expected, "of {text}");
}

#[test]
fn syntax_has_a_line_and_a_column_alone() {
    assert_mistakes(
        "[providers.p]\nkind = \"easyotp\"\napi_key = sk_live_1\n",
        &["line 3, column 11: not TOML: string values must be quoted, expected literal string"],
    );
    assert_mistakes("[store]\n[store]", &["line 2, column 2: not TOML: duplicate key"]);
}

#[test]
fn top_level() {
    assert_mistakes("", &["providers: at least one is needed; begin it with [providers.NAME]"]);
    assert_mistakes("providers = 1", &["providers: must be a table; begin it with [providers]"]);
    assert_mistakes(
        &with("allow_literal_secrets = 1\nrouts = []\nzzzzzzzzzz = 1"),
        &[
            "allow_literal_secrets: must be true or false",
            "routs: unknown key; did you mean `routes`?",
            "zzzzzzzzzz: unknown key; the known ones are: providers, routes, store, server_keys, \
         policy, limits, messages, resilience, server, audit, doors, events, allow_literal_secrets",
        ],
    );
}

#[test]
fn providers() {
    assert_mistakes(
        "[providers]\np = 1",
        &["providers.p: must be a table; begin it with [providers.p]"],
    );
    assert_mistakes(
        "[providers.p]\napi_key = \"env:KEY\"",
        &[&format!("providers.p.kind: missing; it is required, and one of: {}", kinds())],
    );
    assert_mistakes(
        "[providers.p]\nkind = 1",
        &["providers.p.kind: must be text in quotes, the name of a vendor"],
    );
    assert_mistakes(
        "[providers.p]\nkind = \"easyopt\"",
        &["providers.p.kind: unknown kind `easyopt`; did you mean `easyotp`?"],
    );
    assert_mistakes(
        "[providers.p]\nkind = \"carrier-pigeon\"",
        &[&format!(
            "providers.p.kind: unknown kind `carrier-pigeon`; the known ones are: {}",
            kinds()
        )],
    );
    assert_mistakes(
        "[providers.\"Easy OTP\"]\nkind = \"easyotp\"\napi_key = \"env:KEY\"",
        &[
            "providers.Easy OTP: a provider's name must be 1 to 64 characters of a-z, 0-9, '_' and '-'",
        ],
    );
    assert_mistakes(
        "[providers.p]\nkind = \"easyotp\"\napi_kye = \"env:KEY\"",
        &[
            "providers.p.api_kye: unknown key; did you mean `api_key`?",
            "providers.p.api_key: missing; it is required",
        ],
    );
    assert_mistakes(
        "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\nbase_url = \"http://a.example\"",
        &["providers.p.base_url: must begin with https:// \
             (plain http:// is for 127.0.0.1, [::1] and localhost only)"],
    );
}

#[test]
fn server_keys() {
    let key = |id: &str, key: &str| format!("[[server_keys]]\nid = \"{id}\"\nkey = \"{key}\"\n");
    assert_mistakes(
        &with(&key("a", "env:KEY")),
        &["server_keys[0].key: server key `a` is not base64; make one with `openssl rand -base64 \
           32`"],
    );
    assert_mistakes(
        &with(&key("a b", "env:SERVER_KEY")),
        &["server_keys[0].id: a server key's id must be 1 to 64 visible ASCII characters"],
    );
    assert_mistakes(
        &with(&key("ephemeral", "env:SERVER_KEY")),
        &["server_keys[0].id: is the name of the random key of a file without any; choose another"],
    );
    let twice = key("a", "env:SERVER_KEY").repeat(2) + "[[server_keys]]\nname = 1";
    assert_mistakes(
        &with(&twice),
        &[
            "server_keys[1].id: two server keys are named `a`",
            "server_keys[2].name: unknown key; the known ones are: id, key",
            "server_keys[2].id: missing; it is required",
            "server_keys[2].key: missing; it is required",
        ],
    );
    assert_mistakes(
        &with("server_keys = []"),
        &["server_keys: an empty list; remove it, or fill it"],
    );
}

#[test]
fn policy() {
    let policy = |lines: &str| with(&format!("[policy]\n{lines}"));
    assert_mistakes(
        &policy("code_length = 4"),
        &["policy.code_length: code_length must be 6 to 10; 4 and 5 need allow_short_codes = true"],
    );
    assert_mistakes(
        &policy("ttl = \"11m\"\nmax_guesse = 3\nmax_duplicates = \"1\""),
        &[
            "policy.max_guesse: unknown key; did you mean `max_guesses`?",
            "policy.ttl: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
         from 30s to 10m",
            "policy.max_duplicates: must be a whole number from 0 to 3",
        ],
    );
    assert!(read(&policy("code_length = 4\nallow_short_codes = true")).is_ok());
    assert_mistakes(
        &policy(
            "channels = [\"sms\", \"SMS\"]\ncountries = [\"IN\", \"uk\", \"XX\"]\n\
             resend_delay = \"2m\"\nresend_delay_max = \"1m\"",
        ),
        &[
            "policy.channels[1]: channel must be 1 to 64 characters of a-z, 0-9, '_' and '-'",
            "policy.countries[1]: `uk` is not a country's code; did you mean `GB`?",
            "policy.countries[2]: `XX` is not a country with telephone numbers; \
             write two capital letters such as IN",
            "policy.resend_delay_max: must be at least resend_delay, which is 2m",
        ],
    );
    assert_mistakes(
        &policy("countries = []\nchannels = \"sms\"\nresend_by = \"nobody\"\nhedge_after = \"0s\""),
        &[
            "policy.hedge_after: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
             from 100ms to 1m",
            "policy.resend_by: must be one of: same, next, next_channel",
            "policy.channels: must be a list of texts, with one at least",
            "policy.countries: must be a list of texts, with one at least, or \"any\"",
        ],
    );
    assert_mistakes(
        &policy("channels = [\"sms\", \"watsapp\"]"),
        &["policy.channels[1]: no provider here sends by it; they do by email, sms, voice"],
    );
}

#[test]
fn a_default_country_is_one_country() {
    for (text, says) in [
        ("in", "`in` is not a country's code; did you mean `IN`?"),
        ("UK", "`UK` is not a country's code; did you mean `GB`?"),
        ("GB+", "not a country with telephone numbers; write two capital letters such as IN"),
    ] {
        let file = with(&format!("[policy]\ndefault_country = \"{text}\""));
        assert_mistakes(&file, &[&format!("policy.default_country: {says}")]);
    }
}

#[test]
fn keys_of_another_section_are_told_where_they_belong() {
    assert_mistakes(
        &with("[policy]\nretries = 0\nretry_pause = \"1s\"\nrecipient = [\"2/1m\"]\nretrise = 1"),
        &[
            "policy.recipient: unknown key; it belongs under [limits]",
            "policy.retries: unknown key; it belongs under [resilience]",
            "policy.retrise: unknown key; did you mean `retries`, which belongs under [resilience]?",
            "policy.retry_pause: unknown key; it belongs under [resilience]",
        ],
    );
    assert_mistakes(
        "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\nretries = 0\n\
         resilience = { max_guesses = 1 }",
        &[
            "providers.p.retries: unknown key; it belongs under [providers.p.resilience]",
            "providers.p.resilience.max_guesses: unknown key; it belongs under [policy]",
        ],
    );
}

#[test]
fn server() {
    let server = |lines: &str| with(&format!("[server]\n{lines}"));
    assert_mistakes(
        &server("listen = \"localhost\"\nport = 1\napi_keys = 1"),
        &[
            "server.port: unknown key; the known ones are: listen, tls_certificate, \
             tls_private_key, trusted_proxies, public_url, receipt_body, receipt_requests, \
             metrics_listen, balance_interval, max_connections, max_connections_per_address, \
             drain_delay, drain_timeout, api_keys",
            "server.listen: must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
            "server.api_keys: must be a list of tables; begin each with [[server.api_keys]]",
        ],
    );
    let key = |lines: &str| server(&format!("[[server.api_keys]]\n{lines}"));
    let both = "server.api_keys[0]: needs exactly one of `key` and `key_sha256`";
    assert_mistakes(&key("name = \"web\""), &[both]);
    let hash = "0".repeat(64);
    let two = format!("name = \"web\"\nkey = \"env:A\"\nkey_sha256 = \"{hash}\"");
    assert_mistakes(&key(&two), &[both]);
    assert_mistakes(
        &key("name = \"web\"\nkey_sha256 = \"00\""),
        &["server.api_keys[0].key_sha256: must be 64 hex digits; \
         make them with `printf %s \"$KEY\" | sha256sum`"],
    );
    let web = "[[server.api_keys]]\nname = \"web\"\nkey = \"env:A\"\n";
    assert_mistakes(
        &with(&web.repeat(2)),
        &["server.api_keys[1].name: another key has this name already; to change a key, name the \
           one that goes as `old_key`"],
    );
    assert_mistakes(
        &key("name = \"web\"\nkey = \"env:A\"\nold_key_sha256 = \"x\"\npurposes = [\"\"]"),
        &[
            "server.api_keys[0].old_key_sha256: must be 64 hex digits; make them with `printf %s \
             \"$KEY\" | sha256sum`",
            "server.api_keys[0].purposes[0]: must not be empty",
        ],
    );
    assert_mistakes(
        &server("tls_certificate = \"a.pem\"\ntrusted_proxies = [\"10.0.0.0/40\"]"),
        &[
            "server.trusted_proxies[0]: must be an address or a network, such as 10.0.0.0/8 or \
             2001:db8::/32",
            "server.tls_private_key: missing; `tls_certificate` needs it",
        ],
    );
}

#[test]
fn all_mistakes_of_a_file_at_once() {
    let text = r#"
        colour = "blue"

        [providers.primary]
        kind = "easyotp"
        api_key = "sk_live_0123456789"
        timeout = 5

        [providers.backup]
        kind = "startmesaging"

        [[routes]]
        providers = ["primry"]

        [store]
        url = "mysql://user:hunter2@db"

        [[server_keys]]
        id = "now"
        key = "env:NO_SUCH_VARIABLE"

        [policy]
        max_guesses = 99
    "#;
    let errors = otpmux::Config::from_toml(text, &crate::environment()).unwrap_err();
    assert_eq!(errors.count(), 8);
    assert_eq!(
        errors.to_string(),
        "the configuration has 8 mistakes:\
         \n  line 2, column 9: colour: unknown key; the known ones are: providers, routes, store, server_keys, \
         policy, limits, messages, resilience, server, audit, doors, events, allow_literal_secrets\
         \n  line 6, column 9: providers.primary.api_key: a secret in plain text; write env:NAME or file:PATH, \
         or set allow_literal_secrets = true\
         \n  line 7, column 9: providers.primary.timeout: must be a time such as \"500ms\", \"10s\", \"5m\" or \"1h\", \
         from 100ms to 2m\
         \n  line 10, column 9: providers.backup.kind: unknown kind `startmesaging`; did you mean `startmessaging`?\
         \n  line 13, column 22: routes[0].providers[0]: no provider is named `primry`; did you mean `primary`?\
         \n  line 16, column 9: store.url: not a store that is known; write memory:, sqlite:PATH, redis://HOST, \
         rediss://HOST or postgres://HOST/DATABASE\
         \n  line 20, column 9: server_keys[0].key: the environment variable `NO_SUCH_VARIABLE` is not set\
         \n  line 23, column 9: policy.max_guesses: must be a whole number from 1 to 10"
    );
}

#[test]
fn a_wrong_value_hides_no_other_mistake_of_its_section() {
    assert_mistakes(
        &with("[server]\nlisten = \"here\"\nmax_connections = 0\ntls_certificate = \"a.pem\"\n"),
        &[
            "server.listen: must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
            "server.max_connections: must be a whole number from 1 to 1000000",
            "server.tls_private_key: missing; `tls_certificate` needs it",
        ],
    );
    assert_mistakes(
        &with("[policy]\nmax_guesses = 0\ncode_length = 4\ncountries = [\"XX\"]\n"),
        &[
            "policy.max_guesses: must be a whole number from 1 to 10",
            "policy.countries[0]: `XX` is not a country with telephone numbers; write two capital \
             letters such as IN",
            "policy.code_length: code_length must be 6 to 10; 4 and 5 need allow_short_codes = true",
        ],
    );
}

#[test]
fn a_key_with_a_line_end_stays_on_its_line() {
    let errors = otpmux::Config::from_toml("\"a\\nb\" = 1", &crate::environment()).unwrap_err();
    assert_eq!(errors.to_string().lines().count(), 1 + errors.count());
}

#[test]
fn a_file_that_cannot_be_read() {
    let errors = otpmux::Config::from_file("/no/such/otpmux.toml").unwrap_err();
    let text = errors.to_string();
    assert!(text.starts_with("/no/such/otpmux.toml cannot be read: No such file"), "{text}");
    assert!(!text.contains("the working directory"), "{text}");
    assert_eq!((errors.count(), text.lines().count()), (1, 1), "{text}");
    let beside = otpmux::Config::from_file("no-such.toml").unwrap_err().to_string();
    let here = std::env::current_dir().unwrap().display().to_string();
    assert!(beside.contains(&format!("in the working directory, {here};")), "{beside}");
}

#[test]
fn a_policy_that_no_provider_can_keep() {
    assert_mistakes(
        &with("[policy]\ncode_length = 10\nttl = \"30s\""),
        &["policy.ttl: no provider here takes a ttl of 30s"],
    );
    let text = "[providers.p]\nkind = \"startmessaging\"\napi_key = \"env:KEY\"\n\
                [policy]\ncode_length = 8";
    assert_mistakes(text, &["policy.code_length: no provider here carries codes of 8 digits"]);
}
