//! The cost of one flow without any protection: send and verify of the gateway's API, with a random
//! code, its HMAC, one script to store, one call of the vendor and one script to check. No limits,
//! no send attempts, no supersession, no history, no failover, no encryption. Only a baseline for
//! the gateway.
#![expect(clippy::unwrap_used, reason = "a program without protection, and without excuses")]

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing::post};
use clap::Parser;
use hmac::{Hmac, KeyInit, Mac};
use redis::{AsyncConnectionConfig, Script, aio::MultiplexedConnection};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Parser)]
struct Options {
    #[arg(long)]
    listen: String,
    #[arg(long)]
    redis: String,
    #[arg(long)]
    vendor: String,
}

#[derive(Clone)]
struct App {
    vendor: reqwest::Client,
    url: &'static str,
    redis: MultiplexedConnection,
    store: &'static Script,
    check: &'static Script,
}

#[derive(Deserialize)]
struct Send {
    to: String,
}

#[derive(Deserialize)]
struct Verify {
    code: String,
}

fn random() -> u64 {
    getrandom::u64().unwrap()
}

fn mac(id: &str, code: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[7; 32]).unwrap();
    mac.update(id.as_bytes());
    mac.update(code.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

async fn send(State(mut app): State<App>, Json(send): Json<Send>) -> (StatusCode, Json<Value>) {
    let id = format!("{:016x}{:016x}", random(), random());
    let code = format!("{:06}", random() % 1_000_000);
    let mut call = app.store.key(&id);
    let () = call.arg(mac(&id, &code)).arg(300).invoke_async(&mut app.redis).await.unwrap();
    let body = json!({ "channel": "sms", "recipient": send.to, "expires_in": 300, "code": code });
    let answer = app.vendor.post(app.url).bearer_auth("key").json(&body).send().await.unwrap();
    let sent: Value = answer.error_for_status().unwrap().json().await.unwrap();
    assert_eq!(sent["success"], true);
    (StatusCode::CREATED, Json(json!({ "id": id, "status": "pending", "expires_in": 300 })))
}

async fn verify(
    State(mut app): State<App>,
    Path(id): Path<String>,
    Json(verify): Json<Verify>,
) -> Json<Value> {
    let mut call = app.check.key(&id);
    let right: bool = call.arg(mac(&id, &verify.code)).invoke_async(&mut app.redis).await.unwrap();
    Json(json!({ "verdict": if right { "approved" } else { "wrong_code" } }))
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    // On a busy machine, the client's default of half a second is too short.
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let app = App {
        vendor: reqwest::Client::new(),
        url: format!("{}/send", options.vendor).leak(),
        redis: redis::Client::open(options.redis)
            .unwrap()
            .get_multiplexed_async_connection_with_config(&patient)
            .await
            .unwrap(),
        store: Box::leak(Box::new(Script::new(
            "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])",
        ))),
        check: Box::leak(Box::new(Script::new(
            "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
             redis.call('DEL', KEYS[1]) return 1",
        ))),
    };
    let routes = Router::new()
        .route("/v1/verifications", post(send))
        .route("/v1/verifications/{id}/verify", post(verify))
        .route("/healthz", axum::routing::get(|| async {}));
    let listener = tokio::net::TcpListener::bind(options.listen).await.unwrap();
    axum::serve(listener, routes.with_state(app)).await.unwrap();
}
