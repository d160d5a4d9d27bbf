use std::time::{Duration, Instant};

use otpmux_core::{
    Blame, Certainty, Context, Error, ErrorKind, IdempotencyKey, OsEntropy, ProviderId, Secret,
};
use otpmux_http::{Answer, BaseUrl, Call, HttpConfig, Transport};
use otpmux_testkit::faulty::FaultyServer;
use otpmux_testkit::leaks;
use serde_json::json;

pub(crate) const KEY: &str = "sk-live-swordfish-4711";
pub(crate) const TO: &str = "+14155550123";
pub(crate) const CODE: &str = "00420017";
/// Texts that must never be shown.
pub(crate) const SECRETS: &[&str] = &[KEY, "swordfish", TO, CODE];

/// Long enough for anything on loopback, short enough to wait for.
const TIMEOUT: Duration = Duration::from_millis(800);

pub(crate) fn config(url: &str) -> HttpConfig {
    HttpConfig::new(url.parse::<BaseUrl>().unwrap()).with_timeout(TIMEOUT)
}

/// A transport whose timeout is of no importance to the test.
pub(crate) fn patient(url: &str) -> Transport {
    transport(config(url).with_timeout(Duration::from_secs(20)))
}

pub(crate) fn impatient(url: &str) -> Transport {
    transport(config(url))
}

pub(crate) fn transport(config: HttpConfig) -> Transport {
    let provider = ProviderId::new("faulty").unwrap();
    Transport::new(provider, config, &[("x-api-key", Secret::new(KEY))]).unwrap()
}

pub(crate) fn cx() -> Context {
    Context::new(IdempotencyKey::generate(&OsEntropy).unwrap())
}

/// A context whose deadline comes in this long.
pub(crate) fn cx_for(time: Duration) -> Context {
    cx().with_deadline(tokio::time::Instant::now().into_std() + time)
}

pub(crate) fn post() -> Call {
    Call::post("/send", &json!({ "to": TO, "code": CODE })).hiding(TO).hiding(CODE)
}

/// The outcome of one send, and how long it took.
pub(crate) async fn send(transport: &Transport) -> Result<Answer, Error> {
    transport.call(&cx(), post()).await
}

/// Checks all that a transport's own error states.
#[track_caller]
pub(crate) fn assert_error(error: &Error, kind: ErrorKind, certainty: Certainty) {
    assert_eq!((error.kind(), error.certainty()), (kind, certainty), "{error:?}");
    assert_eq!(error.blame(), Blame::Provider, "{error:?}");
    assert_eq!(error.provider().map(ProviderId::as_str), Some("faulty"));
    leaks::assert_clean(&leaks::shown(error), SECRETS);
}

/// The rule behind all others: what is called "not sent" did not arrive, and no call arrives twice.
#[track_caller]
pub(crate) fn assert_honest(error: &Error, server: &FaultyServer) {
    let arrived = server.requests().len();
    assert!(arrived <= 1, "{arrived} requests for one call");
    if error.certainty() == Certainty::NotSent {
        assert_eq!(arrived, 0, "called not sent, but it arrived: {error:?}");
    }
}

pub(crate) fn since(begun: Instant) -> Duration {
    tokio::time::Instant::now().into_std() - begun
}

pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
