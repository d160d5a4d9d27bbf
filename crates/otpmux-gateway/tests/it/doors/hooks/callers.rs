//! The callers of hooks, each with a request as it writes it, and the ways in which each signs.

use std::time::{Duration, SystemTime};

use otpmux::config::{Environment, HookKind};
use otpmux::http::signature::{Digest, Encoding, hmac};
use otpmux::provider::{Clock as _, SystemClock};
use otpmux_emulator::{Emulator, Vendor};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::world::{Answer, Running, environment, toml};

pub(super) const CODE: &str = "482913";

/// A caller: a kind of hook, with the request of `samples/KIND.json`.
pub(super) struct Caller {
    pub(super) kind: HookKind,
    sample: Value,
}

impl Caller {
    pub(super) fn all() -> Vec<Self> {
        HookKind::all().map(Self::of).collect()
    }

    pub(super) fn of(kind: HookKind) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/doors/hooks/samples");
        let text = std::fs::read_to_string(format!("{folder}/{kind}.json")).unwrap();
        Self { kind, sample: serde_json::from_str(&text).unwrap() }
    }

    /// Whether it sends codes to addresses.
    pub(super) fn mails(&self) -> bool {
        self.sample["email"] == true
    }

    /// Whether its signature covers a time.
    pub(super) fn signs_time(&self) -> bool {
        self.is_standard() || matches!(self.kind, HookKind::Zitadel | HookKind::Authsignal)
    }

    fn is_standard(&self) -> bool {
        matches!(self.kind, HookKind::SupabaseSms | HookKind::SupabaseEmail)
    }

    /// Its secret, made from a word.
    pub(super) fn secret(&self, word: &str) -> String {
        if self.is_standard() {
            format!("v1,whsec_{}", Encoding::Base64.encode(word.as_bytes()))
        } else {
            word.to_owned()
        }
    }

    /// The body of a request.
    pub(super) fn body(&self, to: &str, code: &str, name: &str) -> String {
        let text = self.sample["body"].to_string();
        text.replace("{to}", to)
            .replace("{digits}", to.trim_start_matches('+'))
            .replace("{code}", code)
            .replace("{name}", name)
    }

    /// The headers that prove that this body is the caller's.
    pub(super) fn proof(
        &self,
        secret: &str,
        body: &str,
        at: SystemTime,
    ) -> Vec<(&'static str, String)> {
        let time = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
        let mac = |key: &[u8], parts: &[&str]| {
            let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
            hmac(Digest::Sha256, key, &parts)
        };
        let key = secret.as_bytes();
        match self.kind {
            HookKind::SupabaseSms | HookKind::SupabaseEmail => {
                // A new one in every try, as the caller does.
                let id = format!("msg_{}", super::fresh());
                let key = Encoding::Base64.decode(secret.trim_start_matches("v1,whsec_")).unwrap();
                let signature = Encoding::Base64.encode(&mac(&key, &[&id, ".", &time, ".", body]));
                // The one of another secret before it, as during a rotation.
                let other = Encoding::Base64.encode(&[7; 32]);
                vec![
                    ("webhook-id", id),
                    ("webhook-timestamp", time),
                    ("webhook-signature", format!("v1,{other}, v1,{signature}")),
                ]
            }
            HookKind::Zitadel => {
                let signature = Encoding::Hex.encode(&mac(key, &[&time, ".", body]));
                vec![("ZITADEL-Signature", format!("t={time},v1={signature}"))]
            }
            HookKind::Authsignal => {
                let signature = Encoding::Base64.encode(&mac(key, &[&time, ".", body]));
                let signature = signature.trim_end_matches('=');
                vec![("X-Signature-V2", format!("t={time},v2={signature}"))]
            }
            HookKind::Authgear => {
                vec![("x-authgear-body-signature", Encoding::Hex.encode(&mac(key, &[body])))]
            }
            HookKind::Novu => vec![("X-API-KEY", secret.to_owned())],
            HookKind::Logto | HookKind::Keycloak => vec![("Authorization", secret.to_owned())],
            _ => vec![("Authorization", format!("Bearer {secret}"))],
        }
    }

    /// A request with this body, proven with the secret of this word at this time.
    pub(super) fn request(
        &self,
        gateway: &Running,
        body: &str,
        word: &str,
        at: SystemTime,
    ) -> RequestBuilder {
        let url = format!("{}/hooks/{}", gateway.url, self.kind);
        let request = gateway.http.request(Method::POST, url);
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let proof = self.proof(&self.secret(word), body, at);
        proof.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Calls as its software does.
    pub(super) async fn call(&self, gateway: &Running, body: &str) -> Answer {
        Answer::of(self.request(gateway, body, SECRET, now())).await
    }

    /// Whether its software takes this answer as a success.
    pub(super) fn accepts(&self, answer: &Answer) -> bool {
        let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap());
        let json = kind == Some("application/json");
        match self.sample["answers"].as_str().unwrap() {
            "supabase" => answer.status == 200 && json && answer.body.get("error").is_none(),
            "authgear" => answer.body["code"] == "ok",
            "novu" => answer.status == 200 && answer.body["data"]["id"].is_string(),
            _ => answer.status == 200 && json,
        }
    }

    /// Expects a refusal in the form that its software reads.
    #[track_caller]
    pub(super) fn refused(&self, answer: &Answer, status: u16, kind: &str) {
        let told = format!("{}: {answer:?}", self.kind);
        let body = &answer.body;
        assert!(!self.accepts(answer), "{told}");
        match self.sample["answers"].as_str().unwrap() {
            "supabase" => {
                assert_eq!(body["error"]["http_code"], status, "{told}");
                assert!(!body["error"]["message"].as_str().unwrap().is_empty(), "{told}");
                // Its users read the message only if the answer is a success.
                assert!([200, status, 503].contains(&answer.status), "{told}");
            }
            "authgear" => {
                assert_eq!(answer.status, status, "{told}");
                assert_eq!(body["info"]["provider_error_code"], kind, "{told}");
                let codes = [
                    "invalid_phone_number",
                    "rate_limited",
                    "unsupported_request",
                    "authentication_failed",
                    "delivery_rejected",
                    "timeout",
                ];
                assert!(codes.contains(&body["code"].as_str().unwrap()), "{told}");
            }
            "text" => {
                assert_eq!(answer.status, status, "{told}");
                assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8", "{told}");
                assert!(body.as_str().is_some_and(|text| !text.is_empty()), "{told}");
            }
            _ => {
                assert_eq!(answer.status, status, "{told}");
                assert_eq!(body["error"], kind, "{told}");
                assert!(!body["message"].as_str().unwrap().is_empty(), "{told}");
            }
        }
        // Kratos reads and logs no more.
        assert!(body.to_string().len() < 1_024, "{told}");
    }
}

pub(super) const SECRET: &str = "the-secret-of-the-hook-0123456789";
pub(super) const OLD: &str = "the-secret-of-before-0123456789abc";

/// The configuration of a hook for each caller, with these keys besides, and a mail server.
pub(super) fn config(emulator: &Emulator, keys: &str, more: &str) -> String {
    let mail = emulator.vendor_addr(Vendor::Smtp).unwrap();
    let mail = format!(
        "[providers.mail]\nkind = \"smtp\"\nhost = \"{}\"\nport = {}\ntls = \"none\"\nfrom = \
         \"otp@acme.example\"\nusername = \"{}\"\npassword = \"env:MAIL_PASSWORD\"\n[messages]\napp = \"Acme\"\n",
        mail.ip(),
        mail.port(),
        emulator.credentials(Vendor::Smtp)["username"]
    );
    let hooks = Caller::all().into_iter().map(|Caller { kind, .. }| {
        let word = kind.as_str().to_uppercase();
        format!(
            "[[doors.hooks]]\nname = \"{kind}\"\nkind = \"{kind}\"\nsecret = \"env:HOOK_{word}\"\n\
             old_secret = \"env:OLD_HOOK_{word}\"\n{keys}\n"
        )
    });
    toml(emulator, &format!("{mail}{}{more}", hooks.collect::<String>()))
}

pub(super) fn secrets(emulator: &Emulator) -> Environment {
    let password = emulator.credentials(Vendor::Smtp)["password"].clone();
    let mail = environment().with("MAIL_PASSWORD", password);
    Caller::all().into_iter().fold(mail, |environment, caller| {
        let word = caller.kind.as_str().to_uppercase();
        environment
            .with(format!("HOOK_{word}"), caller.secret(SECRET))
            .with(format!("OLD_HOOK_{word}"), caller.secret(OLD))
    })
}

/// The time by the clock of the gateway.
pub(super) fn now() -> SystemTime {
    SystemClock.now()
}

/// A time that is this far in the past.
pub(super) fn ago(seconds: u64) -> SystemTime {
    now() - Duration::from_secs(seconds)
}
