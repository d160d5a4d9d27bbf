//! Traces, as a collector gets them.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use otpmux_testkit::leaks::assert_clean;
use prost::Message as _;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::load::serving::{KEY, Serving};
use crate::shared::{SERVER_KEY, Shared, TO};
use crate::support::{program, run};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[test]
fn a_collector_that_cannot_be_is_a_mistake_and_its_address_is_not_repeated() {
    let mut dev = program();
    dev.args(["dev", "--json"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:made-up@not a url");
    let ended = run(&mut dev, "");
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    assert!(ended.stderr.contains("OTEL_EXPORTER_OTLP_"), "{}", ended.stderr);
    assert_clean(&ended.everything(), &["made-up"]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn the_callers_trace_goes_on_to_the_vendor_and_holds_nothing_personal() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let collector = runtime.block_on(MockServer::start());
    let takes = Mock::given(method("POST")).and(path("/v1/traces"));
    runtime.block_on(takes.respond_with(ResponseTemplate::new(200)).mount(&collector));
    let shared =
        Shared::with_sqlite("[[server.api_keys]]\nname = \"test\"\nkey = \"env:API_KEY\"\n");
    let environment =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.uri()), ("OTEL_SERVICE_NAME", "login-codes")];
    let mut serving = Serving::start_with(&shared, &environment);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = |path: &str, body: &Value| -> Value {
        let request = http.post(format!("{}{path}", serving.url)).bearer_auth(KEY);
        let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
        let request = request.header("content-type", "application/json").body(body.to_string());
        runtime.block_on(async {
            let text = request.send().await.unwrap().text().await.unwrap();
            serde_json::from_str(&text).expect(&text)
        })
    };
    let asked = json!({ "to": TO, "code_length": 10, "client": { "ip": "203.0.113.7" } });
    let sent = post("/v1/verifications", &asked);
    let (right, wrong) = shared.codes();
    let verify = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    assert_eq!(post(&verify, &json!({ "code": wrong }))["verdict"], "wrong_code");
    assert_eq!(post(&verify, &json!({ "code": right }))["verdict"], "approved");
    serving.signal("TERM");
    assert_eq!(serving.end().0, Some(0));

    let got = runtime.block_on(collector.received_requests()).unwrap();
    let mut spans = Vec::new();
    for request in got {
        let vendors = &shared.vendors.emulator;
        let (easyotp, startmessaging) = (vendors.easyotp(), vendors.startmessaging());
        let keys = [KEY, SERVER_KEY, &easyotp.api_key, &startmessaging.api_key];
        let personal = [TO, &right, &wrong, "203.0.113.7"];
        assert_clean(&String::from_utf8_lossy(&request.body), &[&keys[..], &personal].concat());
        let export = ExportTraceServiceRequest::decode(&*request.body).unwrap();
        for of in export.resource_spans {
            let resource = format!("{:?}", of.resource);
            assert!(resource.contains("login-codes"), "{resource}");
            spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE), "{spans:?}");
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|it| it.name == name).collect() };
    let [send] = named("POST /v1/verifications")[..] else { panic!("{spans:?}") };
    assert_eq!((hex(&send.parent_span_id).as_str(), send.kind()), (PARENT, SpanKind::Server));
    let [call] = named("send primary")[..] else { panic!("{spans:?}") };
    assert_eq!((&call.parent_span_id, call.kind()), (&send.span_id, SpanKind::Client));
    assert_eq!(named("POST /v1/verifications/{id}/verify").len(), 2);
}
