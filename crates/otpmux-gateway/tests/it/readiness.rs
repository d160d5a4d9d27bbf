//! When requests should come here.

use otpmux_emulator::{Fault, Vendor};
use otpmux_testkit::RedisServer;
use serde_json::json;

use crate::world::{
    Answer, Home, Running, code_of, count, emulator, environment, number, start, toml,
};

async fn on(redis: &RedisServer, emulator: &otpmux_emulator::Emulator) -> Running {
    let text = toml(emulator, &format!("[store]\nurl = \"{}\"\n", redis.url()));
    start(&text, environment()).await.unwrap()
}

/// Asks until the answer is as wanted: an answer holds for a second.
async fn until(gateway: &Running, wanted: impl Fn(&Answer) -> bool) {
    let begun = tokio::time::Instant::now();
    loop {
        let answer = gateway.get("/readyz").await;
        if wanted(&answer) {
            return;
        }
        assert!(begun.elapsed().as_secs() < 20, "still {answer:?}");
    }
}

/// Asks until the gateway is ready and reports the store so.
async fn until_store(gateway: &Running, state: &str) {
    until(gateway, |answer| answer.status == 200 && answer.body["store"] == state).await;
}

#[tokio::test]
async fn vendors_that_are_down_make_no_gateway_unready() {
    let emulator = emulator().await;
    let home = Home::new();
    let store = format!("[store]\nurl = \"sqlite:{}\"\n", home.file("otpmux.db").display());
    let gateway = start(&toml(&emulator, &store), environment()).await.unwrap();
    let to = number();
    let sent = gateway.send(&to).await;
    let code = code_of(&emulator, &to);
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        emulator.set_fault(vendor, Fault::status(401));
    }
    // Beside it, one with a wrong key of a vendor.
    let wrong = environment().with("EASYOTP_KEY", "not-the-key").with("SM_KEY", "neither");
    let beside = start(&toml(&emulator, &store), wrong).await.unwrap();
    for gateway in [&beside, &gateway] {
        let refused = gateway.post("/v1/verifications", &json!({ "to": number() })).await;
        assert_eq!(refused.status, 503);
    }
    assert_eq!(count(&emulator), 1);
    for gateway in [&gateway, &beside] {
        let ready = gateway.get("/readyz").await.expect(200);
        assert_eq!((&ready["status"], &ready["store"]), (&json!("ok"), &json!("ok")));
        assert_eq!(
            ready["providers"],
            json!([
                { "name": "first", "circuit": "open" },
                { "name": "second", "circuit": "open" },
            ])
        );
        let stranger = gateway.http.get(format!("{}/readyz", gateway.url)).send().await.unwrap();
        assert_eq!(stranger.text().await.unwrap(), r#"{"status":"ok","store":"ok"}"#);
    }
    // For this is why.
    assert_eq!(gateway.verify(&sent, &code).await["verdict"], "approved");
}

#[tokio::test]
async fn a_redis_that_refuses_writes_makes_its_gateways_unready() {
    let emulator = emulator().await;
    for (cause, cure) in [
        (&["REPLICAOF", "127.0.0.1", "1"][..], &["REPLICAOF", "NO", "ONE"][..]),
        (
            &["CONFIG", "SET", "min-replicas-to-write", "1"],
            &["CONFIG", "SET", "min-replicas-to-write", "0"],
        ),
    ] {
        let redis = RedisServer::start();
        let gateway = on(&redis, &emulator).await;
        gateway.get("/readyz").await.expect(200);
        redis.command(cause);
        until(&gateway, |answer| answer.status == 503).await;
        let unready = gateway.get("/readyz").await.expect(503);
        let told = (&unready["status"], &unready["store"]);
        assert_eq!(told, (&json!("unavailable"), &json!("unavailable")), "{cause:?}");
        redis.command(cure);
        until(&gateway, |answer| answer.status == 200).await;
    }
}

#[tokio::test]
async fn a_full_redis_keeps_its_gateways_ready_to_check_codes_and_is_reported() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let gateway = on(&redis, &emulator).await;
    let to = number();
    let sent = gateway.send(&to).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    until_store(&gateway, "full").await;
    let ready = gateway.get("/readyz").await.expect(200);
    assert_eq!(ready["status"], "ok");
    let refused = gateway.post("/v1/verifications", &json!({ "to": number() })).await;
    assert_eq!(refused.status, 503);
    let code = code_of(&emulator, &to);
    assert_eq!(gateway.verify(&sent, &code).await["verdict"], "approved");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    until_store(&gateway, "ok").await;
}

#[tokio::test]
async fn asking_often_costs_the_store_no_more() {
    let (emulator, redis) = (emulator().await, RedisServer::start());
    let gateway = on(&redis, &emulator).await;
    let writes = || -> u64 {
        let stats = redis.command(&["INFO", "commandstats"]).text();
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_set:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    let begun = tokio::time::Instant::now();
    for _ in 0..200 {
        gateway.get("/readyz").await.expect(200);
    }
    let most = begun.elapsed().as_secs() + 1;
    assert!((1..=most).contains(&writes()), "{} writes in {most} s", writes());
    let left = redis.command(&["PTTL", "{otpmux}:probe"]);
    assert_ne!(left, otpmux_testkit::RedisReply::Number(-1), "it disappears by itself");
}
