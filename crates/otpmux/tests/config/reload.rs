//! A running client and another text of its file.

use otpmux::config::{ConfigErrors, Environment};
use otpmux::provider::ProviderId;
use otpmux::{Code, Config, NewVerification, OtpClient, Reloaded, Verdict, Verification};
use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};

struct World {
    emulator: Emulator,
    environment: Environment,
    client: OtpClient,
}

impl World {
    async fn start(text: impl Fn(&Emulator) -> String) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
        let environment = crate::environment()
            .with("EASY", emulator.easyotp().api_key)
            .with("START", emulator.startmessaging().api_key)
            .with("OTHER_KEY", "YW5vdGhlciBrZXkgb2YgMzIgYnl0ZXMsIGZvciBpdC4=");
        let config = Config::from_toml(&text(&emulator), &environment).unwrap();
        let client = OtpClient::from_config(&config).unwrap();
        Self { emulator, environment, client }
    }

    async fn reload(&self, text: &str) -> Result<Reloaded, ConfigErrors> {
        self.client.reload_config(&Config::from_toml(text, &self.environment)?).await
    }

    async fn refused(&self, text: &str) -> String {
        self.reload(text).await.expect_err(text).to_string()
    }

    async fn send(&self, to: &str) -> Verification {
        let to: otpmux::Recipient = to.parse().unwrap();
        self.client.send(NewVerification::to(to)).await.unwrap()
    }

    async fn verify(&self, sent: &Verification, to: &str) -> Verdict {
        let typed: Code = self.emulator.last_code(to).unwrap().parse().unwrap();
        self.client.verify(sent.id, &typed).await.unwrap()
    }
}

fn easy(emulator: &Emulator) -> String {
    let url = emulator.base_url(Vendor::EasyOtp);
    format!("[providers.easy]\nkind = \"easyotp\"\napi_key = \"env:EASY\"\nbase_url = \"{url}\"\n")
}

/// It makes its own codes, which only it can verify.
fn managed(emulator: &Emulator) -> String {
    let url = emulator.base_url(Vendor::StartMessaging);
    format!(
        "[providers.managed]\nkind = \"startmessaging\"\napi_key = \"env:START\"\n\
         mode = \"managed\"\nbase_url = \"{url}\"\n"
    )
}

fn both(emulator: &Emulator) -> String {
    managed(emulator) + &easy(emulator)
}

fn names(ids: &[ProviderId]) -> Vec<&str> {
    ids.iter().map(ProviderId::as_str).collect()
}

const ONE: &str = "+919876543210";
const OTHER: &str = "+919876543211";

#[tokio::test]
async fn a_changed_route_sends_by_another_and_keeps_both() {
    let world = World::start(both).await;
    assert_eq!(world.send(ONE).await.send_attempts[0].provider.as_str(), "managed");
    let route = "[[routes]]\nproviders = { managed = 0, easy = 1 }\n";
    let reloaded = world.reload(&(route.to_owned() + &both(&world.emulator))).await.unwrap();
    assert_eq!(names(&reloaded.unchanged), ["managed", "easy"]);
    assert!(reloaded.changed.is_empty() && reloaded.retired.is_empty());
    assert_eq!(world.send(OTHER).await.send_attempts[0].provider.as_str(), "easy");
}

#[tokio::test]
async fn a_removed_provider_verifies_its_own_codes() {
    let world = World::start(both).await;
    let sent = world.send(ONE).await;
    let reloaded = world.reload(&easy(&world.emulator)).await.unwrap();
    assert_eq!(
        (names(&reloaded.unchanged), names(&reloaded.retired)),
        (vec!["easy"], vec!["managed"])
    );
    assert_eq!(world.verify(&sent, ONE).await, Verdict::Approved);
    assert_eq!(world.send(OTHER).await.send_attempts[0].provider.as_str(), "easy");
}

#[tokio::test]
async fn a_changed_setting_makes_a_provider_new() {
    let mut world = World::start(easy).await;
    let text = easy(&world.emulator);
    assert_eq!(names(&world.reload(&text).await.unwrap().unchanged), ["easy"]);
    for more in [
        "timeout = \"9s\"",
        "timeout = \"8s\"",
        "message = \"{code}\"",
        "resilience = { retries = 0 }",
        "resilience = { retries = 1 }",
    ] {
        let changed = format!("{text}{more}\n");
        assert_eq!(names(&world.reload(&changed).await.unwrap().changed), ["easy"], "{more}");
        assert_eq!(names(&world.reload(&changed).await.unwrap().unchanged), ["easy"], "{more}");
    }
    // The file is the same, and what it refers to is not.
    world.reload(&text).await.unwrap();
    world.environment = world.environment.with("EASY", "another-key");
    assert_eq!(names(&world.reload(&text).await.unwrap().changed), ["easy"]);
}

#[tokio::test]
async fn another_store_is_refused() {
    let world = World::start(easy).await;
    let text = easy(&world.emulator);
    for same in ["[store]\n", "[store]\nurl = \"memory:\"\n", "[store]\ncapacity = 100000\n"] {
        assert_eq!(
            names(&world.reload(&(same.to_owned() + &text)).await.unwrap().unchanged),
            ["easy"]
        );
    }
    assert_eq!(
        world.refused(&format!("[store]\ncapacity = 7\n{text}")).await,
        "the configuration has 1 mistake:\
         \n  store: the store cannot change while the client runs; restart the process"
    );
}

#[tokio::test]
async fn a_key_that_signs_may_step_back_and_not_go() {
    let key =
        |id: &str, name: &str| format!("[[server_keys]]\nid = \"{id}\"\nkey = \"env:{name}\"\n");
    let (old, new) = (key("old", "SERVER_KEY"), key("new", "OTHER_KEY"));
    let world = World::start(|emulator| old.clone() + &easy(emulator)).await;
    let text = easy(&world.emulator);
    let sent = world.send(ONE).await;
    assert_eq!(
        world.refused(&format!("{new}{text}")).await,
        "the configuration has 1 mistake:\n  server_keys: the server key `old` has signed pending \
         verifications; keep it in the list, after the new one"
    );
    world.reload(&format!("{new}{old}{text}")).await.unwrap();
    assert_eq!(world.verify(&sent, ONE).await, Verdict::Approved);
}

#[tokio::test]
async fn a_random_key_stays_and_no_other_takes_its_place() {
    let world = World::start(easy).await;
    let text = easy(&world.emulator);
    let sent = world.send(ONE).await;
    world.reload(&text).await.unwrap();
    assert_eq!(
        world
            .refused(&format!("[[server_keys]]\nid = \"1\"\nkey = \"env:SERVER_KEY\"\n{text}"))
            .await,
        "the configuration has 1 mistake:\n  server_keys: pending verifications were signed with a \
         random key, since there were none; restart"
    );
    assert_eq!(world.verify(&sent, ONE).await, Verdict::Approved);
}

#[tokio::test]
async fn a_file_with_mistakes_changes_nothing() {
    let world = World::start(easy).await;
    let sent = world.send(ONE).await;
    let wrong = "[policy]\nmax_guesses = 99\n[limits]\nglobal = [\"0/1s\"]\n".to_owned();
    let wrong = wrong + &easy(&world.emulator).replace("env:EASY", "env:NO_SUCH");
    assert_eq!(
        world.refused(&wrong).await,
        "the configuration has 3 mistakes:\
         \n  line 7, column 1: providers.easy.api_key: the environment variable `NO_SUCH` is not set\
         \n  line 2, column 1: policy.max_guesses: must be a whole number from 1 to 10\
         \n  line 4, column 11: limits.global[0]: must be a limit such as \"15/1h\", 1 to 1000000 in 1s to 7d"
    );
    assert_eq!(world.verify(&sent, ONE).await, Verdict::Approved);
    let again = world.send(OTHER).await;
    assert_eq!(world.verify(&again, OTHER).await, Verdict::Approved);
}
