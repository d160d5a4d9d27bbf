//! Verify, resend, show and cancel.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, PHONE, code_of, count, emulator, environment, start, toml, wrong};

const NOBODY: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn every_verdict_is_an_answer() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let first = gateway.verify(&sent, &wrong(&code)).await;
    assert_eq!(first, json!({ "verdict": "wrong_code", "guesses_left": 4 }));
    let spaced = format!("{} {}-{}", &code[..2], &code[2..4], &code[4..]);
    assert_eq!(gateway.verify(&sent, &spaced).await, json!({ "verdict": "approved" }));
    assert_eq!(gateway.verify(&sent, &code).await, json!({ "verdict": "already_used" }));
    let unknown = gateway.verify(&json!({ "id": NOBODY }), &code).await;
    assert_eq!(unknown, json!({ "verdict": "not_found" }));
    assert_eq!(gateway.verify(&json!({ "id": "x" }), &code).await, unknown);
}

/// A pasted code is read as the sent one.
#[tokio::test]
async fn a_right_code_is_approved_however_it_is_pasted() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let other = |code: &str, zero: char| -> String {
        let digit = |c: char| char::from_u32(u32::from(zero) + c.to_digit(10).unwrap()).unwrap();
        code.chars().map(digit).collect()
    };
    let forms: [&dyn Fn(&str) -> String; 12] = [
        &|code| format!("{code}\n"),
        &|code| format!("\t{code}\r\n"),
        &|code| format!("\u{a0}{code}\u{a0}"),
        &|code| format!("\u{200b}{code}\u{feff}"),
        &|code| format!("\u{200e}{code}\u{200f}"),
        &|code| format!("\u{2068}{code}\u{2069}"),
        &|code| format!("{} {}", &code[..3], &code[3..]),
        &|code| format!("{}-{}", &code[..3], &code[3..]),
        &|code| format!("{}\u{2011}{}", &code[..3], &code[3..]),
        &|code| other(code, '０'),
        &|code| other(code, '٠'),
        &|code| other(code, '०'),
    ];
    for (turn, form) in forms.iter().enumerate() {
        let to = format!("+9198765432{turn:02}");
        let sent = gateway.send(&to).await;
        let pasted = form(&code_of(&emulator, &to));
        let verdict = gateway.verify(&sent, &pasted).await;
        assert_eq!(verdict, json!({ "verdict": "approved" }), "{pasted:?}");
    }
}

/// It would be wrong for every id, so none is looked at: the answer reveals nothing about it.
#[tokio::test]
async fn a_text_that_is_no_code_is_a_problem_for_any_id() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    for typed in ["12ab56", "1", "00000000000", "G-123456", "123456."] {
        let mut seen = Vec::new();
        for id in [sent["id"].as_str().unwrap(), NOBODY, "x"] {
            let path = format!("/v1/verifications/{id}/verify");
            let problem = gateway.post(&path, &json!({ "code": typed })).await;
            let problem = problem.problem(422, "not_a_code");
            assert_eq!(
                (&problem["certainty"], &problem["blame"]),
                (&json!("not_sent"), &json!("caller"))
            );
            assert_eq!(problem["errors"][0]["field"], "code");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.ends_with("; nothing was checked and no guess was counted"), "{detail}");
            assert!(typed == "1" || !problem.to_string().contains(typed), "{problem}");
            seen.push(problem);
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    assert_eq!(gateway.get(&path).await.expect(200)["guesses_left"], 5, "nothing was counted");
}

#[tokio::test]
async fn the_last_wrong_code_locks_and_the_right_one_does_not_help() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    for left in (0..5).rev() {
        let verdict = gateway.verify(&sent, &wrong(&code)).await;
        assert_eq!(verdict, json!({ "verdict": "wrong_code", "guesses_left": left }));
    }
    assert_eq!(gateway.verify(&sent, &code).await, json!({ "verdict": "too_many_guesses" }));
    let shown = gateway.get(&format!("/v1/verifications/{}", sent["id"].as_str().unwrap())).await;
    assert_eq!(shown.expect(200)["status"], "locked");
}

#[tokio::test]
async fn a_resend_waits_and_then_carries_the_same_code() {
    let emulator = emulator().await;
    let quick = "[policy]\nresend_delay = \"0s\"\n";
    let gateway = start(&toml(&emulator, quick), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let path = format!("/v1/verifications/{}/resend", sent["id"].as_str().unwrap());
    // The body may be left out, be empty, or name a channel.
    let again = Answer::of(gateway.request(Method::POST, &path)).await.expect(200);
    assert_eq!((&again["id"], &again["status"]), (&sent["id"], &json!("pending")));
    assert_eq!((code_of(&emulator, PHONE), count(&emulator)), (code, 2));
    let problem = gateway.post(&path, &json!({ "channel": "pigeon" })).await;
    problem.problem(422, "unsupported");
    gateway.post(&path, &json!({ "chanel": "sms" })).await.problem(400, "invalid_request");
    gateway.post(&path, &json!({})).await.problem(429, "rate_limited");

    let slow = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = slow.send("+919876543299").await;
    let path = format!("/v1/verifications/{}/resend", sent["id"].as_str().unwrap());
    let problem = slow.post(&path, &json!({})).await.problem(429, "rate_limited");
    assert!((1..=30).contains(&problem["retry_after"].as_u64().unwrap()));
}

#[tokio::test]
async fn a_cancelled_code_is_worth_nothing() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let sent = gateway.send(PHONE).await;
    let path = format!("/v1/verifications/{}", sent["id"].as_str().unwrap());
    for _ in 0..2 {
        Answer::of(gateway.request(Method::DELETE, &path)).await.expect(204);
    }
    let verdict = gateway.verify(&sent, &code_of(&emulator, PHONE)).await;
    assert_eq!(verdict, json!({ "verdict": "not_found" }));
    assert_eq!(gateway.get(&path).await.expect(200)["status"], "closed");
}

#[tokio::test]
async fn ids_that_are_unknown_or_no_ids_look_alike() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let mut seen = Vec::new();
    for id in [NOBODY, "x", "a%2fb", "0AF7651916CD43DD8448EB211C80319C", "%ff"] {
        let path = format!("/v1/verifications/{id}");
        for (method, path) in [
            (Method::GET, path.clone()),
            (Method::DELETE, path.clone()),
            (Method::POST, format!("{path}/resend")),
        ] {
            let problem =
                Answer::of(gateway.request(method, &path)).await.problem(404, "not_found");
            seen.push((problem["title"].clone(), problem["detail"].clone()));
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn a_path_or_method_that_is_not_there() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    gateway.get("/v1/nothing").await.problem(404, "not_found");
    let put = Answer::of(gateway.request(Method::PUT, "/v1/verifications")).await;
    assert_eq!(put.header("allow"), "POST");
    put.problem(405, "method_not_allowed");
}
