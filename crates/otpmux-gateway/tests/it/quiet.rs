//! Nothing personal in logs, errors and answers, whatever goes on.

use otpmux_emulator::{Fault, Vendor};
use otpmux_testkit::{LogCapture, leaks};
use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, KEY, PHONE, code_of, emulator, environment, start, toml, wrong};

#[tokio::test]
async fn neither_codes_nor_numbers_nor_keys() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let mail = "jane.doe@example.com";
    let mut answers = Vec::new();
    let mut record = |answer: &Answer| answers.push(format!("{answer:?}"));
    emulator.set_fault(Vendor::EasyOtp, Fault::status(500).times(1));
    let sent = gateway
        .post(
            "/v1/verifications",
            &json!({
                "to": PHONE, "client": { "ip": "203.0.113.7", "user_agent": "Mozilla/5.0 secret" },
                "metadata": { "order": "metadata-of-an-order" },
            }),
        )
        .await;
    record(&sent);
    let code = code_of(&emulator, PHONE);
    let path = format!("/v1/verifications/{}", sent.body["id"].as_str().unwrap());
    for typed in [wrong(&code), format!("{code}x"), code.clone()] {
        record(&gateway.post(&format!("{path}/verify"), &json!({ "code": typed })).await);
    }
    record(&gateway.post("/v1/verifications", &json!({ "to": mail, "channel": "email" })).await);
    record(&gateway.post("/v1/verifications", &json!({ "to": format!("{PHONE}0000") })).await);
    record(&gateway.post("/v1/verifications", &json!({ "code": code, "to": [PHONE] })).await);
    record(&gateway.post(&format!("{path}/verify"), &json!({ "code": [code] })).await);
    record(&gateway.get(&format!("/v1/verifications/{PHONE}")).await);
    record(&Answer::of(gateway.request(Method::POST, &format!("/v1/{PHONE}/{code}"))).await);
    let secrets = [PHONE, mail, &code, &wrong(&code), KEY, "203.0.113.7", "Mozilla/5.0 secret"];
    leaks::assert_clean(&answers.join("\n"), &secrets);
    let text = logs.text();
    assert!(text.contains("answered") && text.contains("send ended"), "something was logged");
    // A request's own trace of the HTTP client under test is not ours.
    let ours: String = text.lines().filter(|line| line.contains("otpmux")).collect();
    leaks::assert_clean(&ours, &[&secrets[..], &["metadata-of-an-order"]].concat());
}
