//! Values are placed as values, whatever is in them; and what no answer can do.

use std::time::{Duration, SystemTime};

use otpmux_core::{
    Certainty, Channel, CodeSource, Context, ErrorKind, IdempotencyKey, Message, ProviderId,
    ReceiptTarget, Recipient, SendRequest, Text,
};
use otpmux_http::{Answer, Call};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::Definition;

/// A definition with this request; the rest is as small as possible.
fn definition(send: &Json) -> Definition {
    let definition = Definition::from_json(&json!({
        "base_url": "https://api.acme.example",
        "auth": { "bearer": "{setting.key}" },
        "limits": { "code_length": "4-10" },
        "channels": { "sms": {}, "email": {} },
        "send": send,
        "success": {
            "status": [200, 202],
            "require": [{ "pointer": "/state", "equals": "queued" }],
            "reference": { "pointer": "/id" },
        },
        "errors": [
            { "pointer": "/code", "equals": 7, "kind": "invalid_recipient", "blame": "recipient" },
            { "status": 503, "kind": "unavailable", "blame": "provider", "retry_after": "9s" },
        ],
        "failure": { "code": "/code", "detail": "/message", "retry_after": "/wait" },
    }));
    definition.unwrap()
}

fn given() -> Given {
    let mut given = Given::default();
    given.insert("key", Value::Secret(Secret::new("s3cret-key")));
    given
}

fn plan(send: &Json) -> Plan {
    Plan::new(&definition(send), &given()).unwrap()
}

fn request(to: &str, channel: Channel, text: &str) -> SendRequest {
    let code = CodeSource::Otpmux("004217".parse().unwrap());
    let mut request = SendRequest::new(to.parse::<Recipient>().unwrap(), channel, code);
    let mut message = Message::new(Text::new(text));
    message.variables.insert("name".to_owned(), text.to_owned());
    request.message = Some(message);
    request
}

fn made(plan: &Plan, request: &SendRequest) -> Result<Call, Refused> {
    let cx = Context::new(IdempotencyKey::from_random([7; 16]));
    let cx = cx.with_receipt(ReceiptTarget::new("https://otp.acme.example/r", "t0ken"));
    let id = ProviderId::new("p").unwrap();
    let channel = plan.channel(&request.channel).unwrap();
    let around = Surroundings {
        id: &id,
        kind: "http",
        defaults: &plan.defaults,
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
        number: channel.number,
        locale: channel.locale,
    };
    let values = Values::new(&cx, request, &around);
    channel.call(&values, plan.credential.as_ref(), plan.sign.as_ref())
}

fn json_of(send: &Json, request: &SendRequest) -> Json {
    let call = made(&plan(send), request).unwrap();
    serde_json::from_slice(call.body()).unwrap()
}

fn form_of(send: &Json, request: &SendRequest) -> Vec<(String, String)> {
    let call = made(&plan(send), request).unwrap();
    url::form_urlencoded::parse(call.body()).into_owned().collect()
}

fn sms(text: &str) -> SendRequest {
    request("+919876543210", Channel::Sms, text)
}

#[test]
fn a_number_has_the_form_that_the_definition_asks_for() {
    for (form, expected) in
        [("e164", "+919876543210"), ("digits", "919876543210"), ("national", "9876543210")]
    {
        let send = json!({ "number": form, "json": { "to": "{to}", "text": "{text}" } });
        assert_eq!(json_of(&send, &sms("{code}"))["to"], expected, "{form}");
    }
    let send =
        json!({ "json": { "cc": "{to_calling_code}", "to": "{to_national}", "t": "{code}" } });
    let body = json_of(&send, &sms("x"));
    assert_eq!(body, json!({ "cc": "91", "to": "9876543210", "t": "004217" }));
}

#[test]
fn an_absent_value_is_left_out_or_fails_the_send_before_anything_leaves() {
    let send = json!({ "json": {
        "to": "{to}", "text": "{text}", "from?": "{sender}", "lang": "{locale|en}",
        "outer?": { "template": "{template}", "always": 1 },
        "list": ["a", { "$if": "{sender}", "then": "b" }, "c"],
        "url?": "{receipt_url}",
    }});
    // The token needs receipts, which this definition does not have.
    let mut without = send.clone();
    without["json"].as_object_mut().unwrap().remove("url?");
    let body = json_of(&without, &sms("{code}"));
    let expected = json!({
        "to": "+919876543210", "text": "004217", "lang": "en", "list": ["a", "c"],
    });
    assert_eq!(body, expected);
    let mut request = sms("{code}");
    request.sender = Some("Acme".to_owned());
    request.template = Some("t-1".to_owned());
    let body = json_of(&without, &request);
    assert_eq!(body["from"], "Acme");
    assert_eq!(body["outer"], json!({ "template": "t-1", "always": 1 }));
    assert_eq!(body["list"], json!(["a", "b", "c"]));

    let needs = json!({ "json": { "to": "{to}", "text": "{text}", "from": "{sender}" } });
    let refused = made(&plan(&needs), &sms("{code}")).unwrap_err();
    assert!(matches!(refused, Refused::Absent(name) if name == "sender"));
}

#[test]
fn special_values() {
    let send = json!({ "form": {
        "To": "whatsapp:{to}", "Flag": true, "Count": 3,
        "ContentVariables": { "$json": { "1": "{code}", "n": { "$number": "{minutes}" } } },
        "Type": { "$unicode": ["unicode", "text"] },
    }});
    let mut request = sms("Ваш код {code}");
    request.ttl = Some(Duration::from_secs(290));
    let form = form_of(&send, &request);
    let field = |name: &str| {
        form.iter().find(|(field, _)| field == name).map(|(_, text)| text.as_str()).unwrap()
    };
    assert_eq!(field("To"), "whatsapp:+919876543210");
    assert_eq!((field("Flag"), field("Count"), field("Type")), ("true", "3", "unicode"));
    assert_eq!(field("ContentVariables"), r#"{"1":"004217","n":5}"#);
    let plain = form_of(&send, &request_with_ttl("Your code {code}"));
    assert!(plain.contains(&("Type".to_owned(), "text".to_owned())));
}

fn request_with_ttl(text: &str) -> SendRequest {
    let mut request = sms(text);
    request.ttl = Some(Duration::from_secs(300));
    request
}

#[test]
fn the_table_of_a_channel_is_over_the_common_one() {
    let definition = Definition::from_json(&json!({
        "auth": { "bearer": "{setting.key}" },
        "limits": { "code_length": "6" },
        "channels": {
            "sms": { "json": { "from": "sms" } },
            "voice": { "path": "/calls", "json": { "from?": "{sender}", "say": "{speech}" } },
        },
        "send": { "path": "/messages", "json": { "to": "{to}", "from": "common", "text": "{text}" } },
        "success": { "status": 201, "reference": { "pointer": "/id" } },
    }))
    .unwrap();
    let plan = Plan::new(&definition, &given()).unwrap();
    let body = |channel| -> Json {
        let call = made(&plan, &request("+919876543210", channel, "{code}")).unwrap();
        serde_json::from_slice(call.body()).unwrap()
    };
    assert_eq!(body(Channel::Sms)["from"], "sms");
    let voice = body(Channel::Voice);
    assert_eq!(voice.get("from"), None, "the channel's optional field is over the common one");
    assert_eq!(voice["say"], "004217", "without words for a call, the text");
}

#[test]
fn a_value_is_never_another_segment_of_the_path() {
    for (value, path) in [
        ("a-1", "/v/a-1/x.json"),
        ("..", "/v/%252E%252E/x.json"),
        (".", "/v/%252E/x.json"),
        ("a/../b?c#d", "/v/a%2F..%2Fb%3Fc%23d/x.json"),
        ("mg.acme.example", "/v/mg.acme.example/x.json"),
        ("{to}", "/v/%7Bto%7D/x.json"),
    ] {
        let send = json!({ "path": "/v/{setting.key}/x.json", "json": { "a": "{to}{text}" } });
        let mut given = Given::default();
        given.insert("key", Value::Secret(Secret::new(value)));
        let plan = Plan::new(&definition(&send), &given).unwrap();
        let call = made(&plan, &sms("{code}")).unwrap();
        let id = ProviderId::new("p").unwrap();
        let config = otpmux_http::HttpConfig::new("http://127.0.0.1:1".parse().unwrap());
        let transport = otpmux_http::Transport::new(id, config, &[]).unwrap();
        assert_eq!(transport.url(&call).path(), path, "{value}");
        // The logs show the definition's text, and nothing of the value.
        assert_eq!(format!("{call:?}"), "Call(POST /v/{setting.key}/x.json)");
    }
}

#[test]
fn a_value_that_no_header_can_hold_is_refused() {
    let send = json!({ "headers": { "x-name": "{variable.name}" }, "json": { "a": "{to}{code}" } });
    assert!(made(&plan(&send), &sms("fits")).is_ok());
    let refused = made(&plan(&send), &sms("a\r\nevil: 1")).unwrap_err();
    assert!(matches!(refused, Refused::Header));
}

#[test]
fn a_signature_covers_the_bytes_that_are_sent() {
    let mut given = given();
    // The key of the examples of the specification.
    given.insert("secret", Value::Secret(Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
    let definition = Definition::from_json(&json!({
        "auth": { "none": true },
        "sign": {
            "key": "{setting.secret}", "key_encoding": "whsec", "encoding": "base64",
            "content": "{idempotency_key}.{timestamp}.{body}",
            "header": "webhook-signature", "value": "v1,{signature}",
        },
        "limits": { "code_length": "4-10" },
        "channels": { "sms": {} },
        "send": {
            "headers": { "webhook-id": "{idempotency_key}", "webhook-timestamp": "{timestamp}" },
            "json": { "to": "{to}", "text": "{text}" },
        },
        "success": { "status": "200-299", "status_alone": "The specification says any 2xx." },
    }))
    .unwrap();
    let call = made(&Plan::new(&definition, &given).unwrap(), &sms("{code} ü")).unwrap();
    let header = |name: &str| call.headers()[name].to_str().ok();
    let secret = otpmux_http::signature::ReceiptSecrets::new(Secret::new(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ));
    let headers = otpmux_http::signature::StandardWebhook {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_001);
    let checked =
        otpmux_http::signature::check_standard_webhook(&secret, headers, call.body(), now);
    assert_eq!(checked, Ok(()));
}

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::new(ProviderId::new("p").unwrap(), status, None, body)
}

fn sent(status: u16, body: &str) -> Result<otpmux_core::Sent, otpmux_core::Error> {
    let plan = plan(&json!({ "json": { "to": "{to}", "text": "{text}" } }));
    read_sent(plan.channel(&Channel::Sms).unwrap(), &plan.failure, &answer(status, body))
}

#[test]
fn only_the_whole_success_is_one() {
    let success = sent(200, r#"{"state":"queued","id":17}"#).unwrap();
    assert_eq!(success.reference.unwrap().as_str(), "17");
    for (status, body) in [
        (201, r#"{"state":"queued","id":"m"}"#),
        (200, r#"{"state":"Queued","id":"m"}"#),
        (200, r#"{"state":["queued"],"id":"m"}"#),
        (200, r#"{"state":"queued","id":""}"#),
        (200, r#"{"state":"queued","id":null}"#),
        (200, r#"{"state":"queued","id":{"a":1}}"#),
        (200, r#"[{"state":"queued","id":"m"}]"#),
        (200, r#"{"state":"queued","id":"m""#),
        (202, ""),
    ] {
        let error = sent(status, body).unwrap_err();
        let facts = (error.kind(), error.certainty());
        assert_eq!(facts, (ErrorKind::Protocol, Certainty::Unknown), "{status} {body}");
    }
}

#[test]
fn the_first_row_that_fits_says_what_a_failure_is() {
    use Certainty::{Rejected, Unknown};
    use ErrorKind as K;

    let facts = |status, body| {
        let error = sent(status, body).unwrap_err();
        (error.kind(), error.certainty(), error.retry_after().map(|time| time.as_secs()))
    };
    assert_eq!(facts(400, r#"{"code":7}"#), (K::InvalidRecipient, Rejected, None));
    assert_eq!(facts(200, r#"{"code":7}"#), (K::InvalidRecipient, Rejected, None));
    assert_eq!(facts(500, r#"{"code":7}"#), (K::InvalidRecipient, Unknown, None), "a 5xx");
    assert_eq!(facts(400, r#"{"code":"7"}"#), (K::InvalidRequest, Rejected, None), "strict");
    assert_eq!(
        facts(404, "nothing here"),
        (K::Configuration, Rejected, None),
        "a send looks nothing up"
    );
    assert_eq!(facts(503, "down"), (K::Unavailable, Unknown, Some(9)));
    assert_eq!(facts(429, r#"{"wait":"12"}"#), (K::RateLimited, Rejected, Some(12)));
    assert_eq!(sent(400, r#"{"code":7}"#).unwrap_err().vendor_code(), Some("7"));
}

fn hostile_text() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "\"",
        "\\",
        "&",
        "=",
        "+",
        "%",
        "{",
        "}",
        "{to}",
        "{setting.key}",
        "{{",
        "\n",
        "\r\n",
        "\0",
        "<b>",
        "'",
        ";",
        "\u{2028}",
        "é",
        "😀",
        "{code}",
        "\",\"x\":\"",
        "a=b&c=d",
        "../",
        "#",
    ]);
    prop::collection::vec(prop_oneof![nasty.prop_map(str::to_owned), "\\PC{0,6}"], 0..8)
        .prop_map(|parts| parts.concat())
}

proptest! {
    /// Quotes, `&`, `+`, braces and line ends in a value stay in this value.
    #[test]
    fn a_value_is_never_spliced(text in hostile_text()) {
        let mut request = sms("x");
        // A variable: nothing in it is a place for the code.
        request.message.as_mut().unwrap().variables.insert("name".to_owned(), text.clone());
        let send = json!({ "json": {
            "to": "{to}", "c": "{code}", "whole": "{variable.name}", "part": "a {variable.name} b",
            "in": { "$json": { "deep": ["{variable.name}"] } },
        }});
        let body = json_of(&send, &request);
        prop_assert_eq!(&body["whole"], &json!(text));
        prop_assert_eq!(&body["part"], &json!(format!("a {text} b")));
        let inner: Json = serde_json::from_str(body["in"].as_str().unwrap()).unwrap();
        prop_assert_eq!(inner, json!({ "deep": [text.clone()] }));
        prop_assert_eq!(body.as_object().unwrap().len(), 5);

        let send = json!({ "query": { "q": "{variable.name}" }, "form": {
            "to": "{to}", "c": "{code}", "whole": "{variable.name}", "part": "a {variable.name} b",
        }});
        let form = form_of(&send, &request);
        prop_assert_eq!(form.len(), 4);
        prop_assert!(form.contains(&("whole".to_owned(), text.clone())));
        let part = format!("a {text} b");
        prop_assert!(form.contains(&("part".to_owned(), part)));
    }

    /// A setting is a value too.
    #[test]
    fn a_setting_is_never_spliced(text in hostile_text()) {
        let mut given = Given::default();
        given.insert("key", Value::Secret(Secret::new("k")));
        given.insert("brand", Value::Text(text.clone()));
        let send = json!({ "json": { "to": "{to}{code}", "brand": "{setting.brand}" } });
        let plan = Plan::new(&definition(&send), &given).unwrap();
        let call = made(&plan, &sms("x")).unwrap();
        let body: Json = serde_json::from_slice(call.body()).unwrap();
        prop_assert_eq!(&body["brand"], &json!(text));
    }

    /// Rule 6: whatever bytes a vendor answers, nothing panics, and only the documented success is
    /// one.
    #[test]
    fn bytes_of_any_kind_are_no_success(
        status in prop_oneof![3 => Just(200_u16), 1 => 0_u16..1000],
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let plan = plan(&json!({ "json": { "to": "{to}", "text": "{text}" } }));
        let channel = plan.channel(&Channel::Sms).unwrap();
        prop_assert!(read_sent(channel, &plan.failure, &answer(status, body)).is_err());
    }

    #[test]
    fn json_of_any_form_is_a_success_only_with_its_marks(
        status in prop_oneof![3 => Just(200_u16), 1 => 200_u16..600],
        state in prop::sample::select(vec![json!("queued"), json!("failed"), json!(1), json!(null)]),
        id in prop::sample::select(vec![json!("m-1"), json!(""), json!(9), json!([1]), json!(null)]),
    ) {
        let body = json!({ "state": state, "id": id });
        let marks = matches!(status, 200 | 202) && state == "queued" && (id == "m-1" || id == 9);
        prop_assert_eq!(sent(status, &body.to_string()).is_ok(), marks, "{} {}", status, body);
    }
}

#[test]
fn nothing_of_a_provider_is_shown() {
    let plan = plan(&json!({ "query": { "k": "{setting.key}" }, "json": { "a": "{to}{text}" } }));
    let shown = format!("{plan:?} {:?} {:?}", plan.channels, given());
    assert!(!shown.contains("s3cret"), "{shown}");
}
