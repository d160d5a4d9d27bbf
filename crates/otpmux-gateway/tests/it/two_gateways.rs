//! Two gateways on one store: sent at one, verified at the other.

use otpmux_testkit::RedisServer;
use serde_json::json;

use crate::world::{Home, PHONE, code_of, emulator, environment, number, start, toml, wrong};

async fn sent_here_verified_there(store: &str) {
    let emulator = emulator().await;
    let text = toml(&emulator, &format!("[store]\nurl = \"{store}\"\n"));
    let (here, there) =
        (start(&text, environment()).await.unwrap(), start(&text, environment()).await.unwrap());
    let sent = here.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    assert_eq!(there.verify(&sent, &wrong(&code)).await["guesses_left"], 4);
    assert_eq!(there.verify(&sent, &code).await["verdict"], "approved");
    assert_eq!(here.verify(&sent, &code).await["verdict"], "already_used");
    // Limits are counted together, too.
    there.send(PHONE).await;
    let third = here.post("/v1/verifications", &json!({ "to": PHONE })).await;
    third.problem(429, "rate_limited");
}

#[tokio::test]
async fn on_sqlite() {
    let home = Home::new();
    sent_here_verified_there(&format!("sqlite:{}", home.file("otpmux.db").display())).await;
}

#[tokio::test]
async fn on_redis() {
    sent_here_verified_there(&RedisServer::start().url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_right_codes_at_two_gateways_approve_once() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let gateways = [
        std::sync::Arc::new(start(&text, environment()).await.unwrap()),
        std::sync::Arc::new(start(&text, environment()).await.unwrap()),
    ];
    for _ in 0..10 {
        let to = number();
        let sent = gateways[0].send(&to).await;
        let code = code_of(&emulator, &to);
        let tries: Vec<_> = (0..64)
            .map(|n| {
                let (gateway, sent, code) =
                    (std::sync::Arc::clone(&gateways[n % 2]), sent.clone(), code.clone());
                tokio::spawn(async move { gateway.verify(&sent, &code).await["verdict"].clone() })
            })
            .collect();
        let mut approved = 0;
        for one in tries {
            approved += u32::from(one.await.unwrap() == "approved");
        }
        assert_eq!(approved, 1);
    }
}

#[tokio::test]
async fn without_its_redis_a_gateway_approves_no_code_and_says_so() {
    let (emulator, mut redis) = (emulator().await, RedisServer::start());
    let text = toml(&emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    let gateway = start(&text, environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    redis.kill();
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    gateway.post(&path, &json!({ "code": code })).await.problem(503, "store");
    assert_eq!(gateway.get("/readyz").await.expect(503)["store"], "unavailable");
    let send = gateway.post("/v1/verifications", &json!({ "to": number() })).await;
    let problem = send.problem(503, "store");
    assert_eq!(
        (&problem["certainty"], &problem["blame"]),
        (&"not_sent".into(), &"internal".into())
    );
    gateway.get("/healthz").await.expect(200);
}
