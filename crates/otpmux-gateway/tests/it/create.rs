//! `POST /v1/verifications`

use otpmux_emulator::{Fault, Vendor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, PHONE, code_of, count, emulator, environment, start, toml};

#[tokio::test]
async fn a_code_goes_out_and_the_answer_says_what_a_form_needs() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let body = json!({
        "to": PHONE, "channel": "sms", "purpose": "login", "ttl": 120, "code_length": 8,
        "client": { "ip": "203.0.113.7", "user_agent": "Mozilla/5.0" }, "metadata": { "order": "7" },
    });
    let sent = gateway.post("/v1/verifications", &body).await.expect(201);
    assert_eq!(
        (sent["status"].as_str(), sent["confirmed"].as_bool()),
        (Some("pending"), Some(true))
    );
    assert_eq!((&sent["channel"], &sent["to"]), (&json!("sms"), &json!("+9•••••••••10")));
    assert_eq!((&sent["code_length"], &sent["guesses_left"]), (&json!(8), &json!(5)));
    let keys: Vec<_> = sent.as_object().unwrap().keys().cloned().collect();
    let expected = [
        "channel",
        "code_length",
        "code_source",
        "confirmed",
        "expires_at",
        "guesses_left",
        "id",
        "new_code",
        "next_step_at",
        "repeated",
        "resend_after",
        "status",
        "to",
    ];
    assert_eq!(keys, expected);
    assert!(sent["expires_at"].as_str().unwrap() > sent["resend_after"].as_str().unwrap());
    assert_eq!(code_of(&emulator, PHONE).len(), 8);
    let details = gateway.get(&format!("/v1/verifications/{}", sent["id"].as_str().unwrap())).await;
    let details = details.expect(200);
    assert_eq!(details["metadata"], json!({ "order": "7" }));
    assert_eq!(details["send_attempts"][0]["provider"], "first");
    assert_eq!(details["send_attempts"][0]["state"], "accepted");
}

#[tokio::test]
async fn the_second_vendor_carries_the_same_code_when_the_first_is_down() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
    let sent = gateway.send(PHONE).await;
    assert_eq!(sent["confirmed"], true);
    let details = gateway.get(&format!("/v1/verifications/{}", sent["id"].as_str().unwrap())).await;
    let details = details.expect(200);
    let send_attempts: Vec<_> = details["send_attempts"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&send_attempts[0]["provider"], &send_attempts[0]["state"]),
        (&json!("first"), &json!("rejected"))
    );
    assert_eq!(
        (&send_attempts[1]["provider"], &send_attempts[1]["reason"]),
        (&json!("second"), &json!("failover"))
    );
    assert_eq!(gateway.verify(&sent, &code_of(&emulator, PHONE)).await["verdict"], "approved");
}

#[tokio::test]
async fn a_bad_value_is_reported_by_its_field_and_sends_nothing() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let seconds = "must be a whole number of seconds from 30 to 600";
    let digits = "must be a whole number of digits from 6 to 10";
    let metadata = "must be an object of at most 16 strings";
    let cases: [(Value, &str, &str, &str); 23] = [
        (json!({}), "to", "missing", "is missing"),
        (json!({ "to": null }), "to", "missing", "is missing"),
        (json!({ "to": 7 }), "to", "wrong_type", "must be a string; this is a number"),
        (json!({ "to": "919876543210" }), "to", "wrong_format", "without its country"),
        (
            json!({ "to": "+919876543210,+919876543211" }),
            "to",
            "wrong_format",
            "not a phone number",
        ),
        (json!({ "to": "a@b" }), "to", "wrong_format", "not an e-mail address"),
        (
            json!({ "to": PHONE, "chanel": "sms" }),
            "",
            "unknown_field",
            "known ones are to, channel,",
        ),
        (json!({ "to": PHONE, "channel": "SMS" }), "channel", "wrong_format", "1 to 64"),
        (json!({ "to": PHONE, "purpose": "" }), "purpose", "wrong_format", "1 to 64"),
        (json!({ "to": PHONE, "ttl": "5m" }), "ttl", "wrong_type", seconds),
        (json!({ "to": PHONE, "ttl": 29 }), "ttl", "out_of_range", seconds),
        (json!({ "to": PHONE, "ttl": 601 }), "ttl", "out_of_range", seconds),
        (json!({ "to": PHONE, "ttl": -300 }), "ttl", "out_of_range", seconds),
        (json!({ "to": PHONE, "ttl": 300.5 }), "ttl", "out_of_range", seconds),
        (json!({ "to": PHONE, "code_length": 3 }), "code_length", "out_of_range", digits),
        (json!({ "to": PHONE, "locale": "x\u{0}y" }), "locale", "wrong_format", "must be 2 to 35"),
        (
            json!({ "to": PHONE, "client": { "ip": "nowhere" } }),
            "client.ip",
            "wrong_format",
            "must be an IPv4 or IPv6 address",
        ),
        (
            json!({ "to": PHONE, "client": { "adress": "203.0.113.7" } }),
            "client",
            "unknown_field",
            "the known ones are ip, user_agent",
        ),
        (
            json!({ "to": PHONE, "client": ["203.0.113.7", "x"] }),
            "client",
            "wrong_type",
            "must be an object; this is a list",
        ),
        (json!({ "to": PHONE, "metadata": { "": "x" } }), "metadata", "out_of_range", metadata),
        (json!({ "to": PHONE, "metadata": { "a": 1 } }), "metadata", "wrong_type", metadata),
        (json!({ "to": PHONE, "metadata": "x" }), "metadata", "wrong_type", metadata),
        (json!([PHONE]), "", "wrong_type", "must be a JSON object; this is a list"),
    ];
    for (body, field, code, message) in cases {
        let problem =
            gateway.post("/v1/verifications", &body).await.problem(400, "invalid_request");
        let [mistake] = &problem["errors"].as_array().expect("mistakes")[..] else {
            panic!("{body}: {problem}")
        };
        assert_eq!((&mistake["field"], &mistake["code"]), (&json!(field), &json!(code)), "{body}");
        assert!(mistake["message"].as_str().unwrap().contains(message), "{body}: {mistake}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(message), "{body}: {detail}");
        let text = problem.to_string();
        assert!(!text.contains("98765") && !text.contains("chanel"), "{text}");
        assert_eq!(problem["certainty"], "not_sent");
    }
    assert_eq!(count(&emulator), 0);
}

/// One request shows all that is wrong with it.
#[tokio::test]
async fn all_mistakes_of_a_body_are_told_at_once() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let body = json!({
        "to": "nobody", "ttl": "5m", "code_length": 99, "client": { "ip": 7, "os": "x" }, "extra": 1,
    });
    let problem = gateway.post("/v1/verifications", &body).await.problem(400, "invalid_request");
    let mistakes = problem["errors"].as_array().unwrap();
    let fields: Vec<_> =
        mistakes.iter().map(|mistake| mistake["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["to", "ttl", "client.ip", "client", "code_length", ""]);
    let request = gateway.request(Method::POST, "/v1/verifications");
    let twice =
        r#"{"to": "+919876543210", "ttl": 60, "ttl": 90, "metadata": {"a": "1", "a": "2"}}"#;
    let request = request.header("content-type", "application/json").body(twice);
    let problem = Answer::of(request).await.problem(400, "invalid_request");
    for (place, field) in ["ttl", "metadata"].into_iter().enumerate() {
        let mistake = &problem["errors"][place];
        assert_eq!(
            (&mistake["field"], &mistake["code"]),
            (&json!(field), &json!("duplicate_field"))
        );
    }
    let name = gateway.request(Method::POST, "/v1/verifications");
    let name = name.header("idempotency-key", "a b").json(&json!({ "to": PHONE }));
    let problem = Answer::of(name).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["field"], "Idempotency-Key");
    assert_eq!(count(&emulator), 0);
}

/// A caller that mistakes values for names sends personal data as a name.
#[tokio::test]
async fn the_name_of_an_unknown_field_is_not_repeated() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for name in [PHONE, "jane@example.com", "a`, expected `jane@example.com", " at line 7 004217"] {
        let body = json!({ "to": PHONE, (name): "sms" });
        let verify = "/0af7651916cd43dd8448eb211c80319c/verify";
        for (path, known) in [("", "known ones are to, "), (verify, "known ones are code")] {
            let answer = gateway.post(&format!("/v1/verifications{path}"), &body).await;
            let problem = answer.problem(400, "invalid_request").to_string();
            assert!(problem.contains(known), "{problem}");
            for personal in ["98765", "jane", "004217"] {
                assert!(!problem.contains(personal), "{problem}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused_before_it_is_read() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let post = || gateway.request(Method::POST, "/v1/verifications");
    let form = post().header("content-type", "application/x-www-form-urlencoded").body("to=%2B91");
    Answer::of(form).await.problem(415, "unsupported_media_type");
    Answer::of(post().body("{}")).await.problem(415, "unsupported_media_type");
    let json = |text: &str| {
        post().header("content-type", "application/json; charset=utf-8").body(text.to_owned())
    };
    for broken in
        ["", "{", "{\"to\": \"+919876543210\"} x", "nul", "\u{0}", "{\"to\": \"\\ud800\"}"]
    {
        let problem = Answer::of(json(broken)).await.problem(400, "invalid_request");
        assert!(!problem["detail"].as_str().unwrap().contains("98765"));
    }
    Answer::of(json(&format!("{}1{}", "[".repeat(8_000), "]".repeat(8_000))))
        .await
        .problem(400, "invalid_request");
    Answer::of(json(&format!("{{\"to\":\"{}\"}}", "1".repeat(20_000))))
        .await
        .problem(413, "too_large");
    assert_eq!(count(&emulator), 0);
}

#[tokio::test]
async fn a_limit_says_when_to_come_back() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    gateway.send(PHONE).await;
    gateway.send(PHONE).await;
    let third = gateway.post("/v1/verifications", &json!({ "to": PHONE })).await;
    let problem = third.problem(429, "rate_limited");
    assert!((1..=60).contains(&problem["retry_after"].as_u64().unwrap()));
    assert_eq!(
        (&problem["certainty"], &problem["limit"]),
        (&json!("not_sent"), &json!("recipient"))
    );
    assert_eq!(count(&emulator), 2);
}

#[tokio::test]
async fn when_every_vendor_refuses_the_answer_says_that_nothing_was_sent() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        emulator.set_fault(vendor, Fault::status(401));
    }
    let problem = gateway.post("/v1/verifications", &json!({ "to": PHONE })).await;
    let problem = problem.problem(503, "unauthenticated");
    assert_eq!(problem["certainty"], "rejected");
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        emulator.clear_faults(vendor);
    }
    // The failed send has left no live code and no spent counter (of two a minute).
    gateway.send(PHONE).await;
    gateway.send(PHONE).await;
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    let body = json!({ "to": PHONE, "ttl": 300.0, "code_length": 8.0 });
    let sent = gateway.post("/v1/verifications", &body).await.expect(201);
    assert_eq!(sent["code_length"], 8);
    for ttl in [json!(300.5), json!(-300), json!(1e300), json!("300"), json!(65_836)] {
        let body = json!({ "to": PHONE, "ttl": ttl });
        gateway.post("/v1/verifications", &body).await.problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_number_without_a_provider() {
    let emulator = emulator().await;
    let only_india = "[policy]\ncountries = [\"IN\"]\n";
    let gateway = start(&toml(&emulator, only_india), environment()).await.unwrap();
    let abroad = gateway.post("/v1/verifications", &json!({ "to": "+14155550123" })).await;
    abroad.problem(422, "unsupported");
    let fax = gateway.post("/v1/verifications", &json!({ "to": PHONE, "channel": "fax" })).await;
    fax.problem(422, "unsupported");
    let letter = json!({ "to": PHONE, "channel": "email" });
    gateway.post("/v1/verifications", &letter).await.problem(422, "invalid_request");
    let capabilities = gateway.get("/v1/capabilities").await.expect(200);
    assert_eq!(capabilities["countries"], json!(["IN"]));
    assert_eq!(capabilities["channels"], json!(["email", "sms", "voice"]));
    assert_eq!(capabilities["code_length"], json!({ "default": 6, "min": 6, "max": 10 }));
    // The range of both vendors: EasyOTP takes a minute at least, StartMessaging any.
    assert_eq!(capabilities["ttl"], json!({ "default": 300, "min": 60, "max": 600 }));
    assert_eq!(capabilities["limits"]["recipient"], json!(["2/1m", "15/1h", "50/1d"]));
    assert_eq!(capabilities["numbers"]["version"], otpmux::numbers::NUMBERS_VERSION);
    assert_eq!(capabilities["numbers"]["refused"][0], "premium");
}

/// A typed number is understood or refused; the answer shows how it was understood.
#[tokio::test]
async fn numbers_are_read_as_people_type_them() {
    let emulator = emulator().await;
    let indian = "[policy]\ndefault_country = \"IN\"\n";
    let [strict, lenient] = ["", indian].map(|policy| toml(&emulator, policy));
    let strict = start(&strict, environment()).await.unwrap();
    let lenient = start(&lenient, environment()).await.unwrap();
    for (gateway, typed, country, understood) in [
        (&strict, "+91 98765 43201", None, "+919876543201"),
        (&strict, " +91-98765-43202\u{200b}\n", None, "+919876543202"),
        (&strict, "0091 98765 43203", None, "+919876543203"),
        (&strict, "tel:+919876543204", None, "+919876543204"),
        (&strict, "098765 43205", Some("IN"), "+919876543205"),
        (&strict, "(415) 555-2671", Some("US"), "+14155552671"),
        (&lenient, "98765.43206", None, "+919876543206"),
        (&lenient, "٠٩٨٧٦٥٤٣٢٠٧", None, "+919876543207"),
        (&lenient, "+1 415 555 2672", None, "+14155552672"),
        (&lenient, "(415) 555-2673", Some("US"), "+14155552673"),
        (&lenient, " Jane@example.com\n", None, "Jane@example.com"),
    ] {
        let body = json!({ "to": typed, "country": country });
        let sent = gateway.post("/v1/verifications", &body).await.expect(201);
        let code = code_of(&emulator, understood);
        assert_eq!(gateway.verify(&sent, &code).await["verdict"], "approved", "{typed}");
        let (head, tail) = understood.split_at(if understood.contains('@') { 1 } else { 2 });
        let to = sent["to"].as_str().unwrap();
        assert!(to.starts_with(head) && to.ends_with(&tail[tail.len() - 2..]), "{to}");
    }
    let all = count(&emulator);
    for (gateway, typed, country, field, says) in [
        (&strict, "98765 43210", None, "to", "calling code"),
        (&strict, "98765 4321", Some("IN"), "to", "understood as a number of IN, +91"),
        (&lenient, "+91 98765 432101", None, "to", "understood as a number of IN, +91"),
        (&lenient, "+919876543210, +919876543211", None, "to", "only one"),
        (&lenient, "98765 43210", Some("India"), "country", "two capital letters"),
    ] {
        let body = json!({ "to": typed, "country": country });
        let problem = gateway.post("/v1/verifications", &body).await;
        let problem = problem.problem(400, "invalid_request");
        assert_eq!(problem["errors"][0]["field"], field, "{typed}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{typed}: {problem}");
        assert!(!problem.to_string().contains("4321"), "{problem}");
    }
    assert_eq!(count(&emulator), all);
    let capabilities = lenient.get("/v1/capabilities").await.expect(200);
    assert_eq!(capabilities["default_country"], "IN");
}

/// Under `same_code` the code of a late first message stays valid.
#[tokio::test]
async fn a_second_send_repeats_the_live_verification_if_asked() {
    let emulator = emulator().await;
    let policy = "[policy]\nresend_delay = \"0s\"\n[limits]\nrecipient = []\n";
    let gateway = start(&toml(&emulator, policy), environment()).await.unwrap();
    let first = gateway.send(PHONE).await;
    let code = code_of(&emulator, PHONE);
    let body = json!({ "to": PHONE, "repeat": "same_code" });
    let second = gateway.post("/v1/verifications", &body).await.expect(201);
    assert_eq!((&second["id"], &second["repeated"]), (&first["id"], &json!(true)));
    assert_eq!((&first["repeated"], count(&emulator)), (&json!(false), 2));
    assert_eq!(code_of(&emulator, PHONE), code);
    let body = json!({ "to": PHONE, "repeat": "new_code" });
    let third = gateway.post("/v1/verifications", &body).await.expect(201);
    assert_ne!(third["id"], first["id"]);
    let body = json!({ "to": PHONE, "repeat": "other" });
    let problem = gateway.post("/v1/verifications", &body).await.problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["field"], "repeat");
}

/// A repeat that comes too soon is refused like a resend, with the time to wait.
#[tokio::test]
async fn a_repeat_that_comes_too_soon_is_refused_with_a_time() {
    let emulator = emulator().await;
    let policy = "[policy]\nrepeat = \"same_code\"\n";
    let gateway = start(&toml(&emulator, policy), environment()).await.unwrap();
    gateway.send(PHONE).await;
    let soon = gateway.post("/v1/verifications", &json!({ "to": PHONE })).await;
    let soon = soon.problem(429, "rate_limited");
    assert!(soon["retry_after"].as_u64().is_some_and(|wait| (1..=30).contains(&wait)), "{soon}");
    assert_eq!(count(&emulator), 1);
}
