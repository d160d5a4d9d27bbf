//! The request on the wire when all goes well.

use http::Method;
use otpmux_core::{ErrorKind, ProviderId, Secret};
use otpmux_http::{BaseUrl, BaseUrlError, Call, HttpConfig, Transport};
use otpmux_testkit::faulty::{FaultyServer, Reply, Request};
use otpmux_testkit::leaks;

use crate::support::{CODE, KEY, SECRETS, TO, cx, patient, post};

/// The one request that a call puts on the wire, below this path.
async fn on_the_wire(base: &str, call: Call) -> Request {
    let server = FaultyServer::start(&Reply::json(200, "{}")).await;
    let transport = patient(&format!("{}{base}", server.url()));
    transport.call(&cx(), call).await.unwrap();
    let mut requests = server.requests();
    assert_eq!((requests.len(), server.connections().len()), (1, 1));
    requests.remove(0)
}

#[tokio::test]
async fn post_has_key_type_and_exact_length() {
    let request = on_the_wire("/api/v1", post()).await;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api/v1/send"));
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let expected = format!(r#"{{"code":"{CODE}","to":"{TO}"}}"#);
    assert_eq!(request.text(), expected);
    let length = expected.len().to_string();
    assert_eq!(request.header("content-length"), Some(length.as_str()));
    assert_eq!(request.header("transfer-encoding"), None);
    let agent = request.header("user-agent").unwrap();
    assert!(agent.starts_with("otpmux/"), "{agent}");
}

#[tokio::test]
async fn values_in_a_url_are_encoded() {
    let call = Call::get("/messages/{id}")
        .with_id("../a b+c&d")
        .with_query("phone", TO)
        .with_query("note", "a&b=c #d%");
    let request = on_the_wire("/v1/", call).await;
    assert_eq!(
        request.target,
        "/v1/messages/%2E%2E%2Fa%20b%2Bc%26d?phone=%2B14155550123&note=a%26b%3Dc+%23d%25"
    );
    assert_eq!(request.header("content-length"), None);
    assert!(request.body.is_empty());
}

/// Some servers answer 411 to a request that could have a body and does not state that it has none.
#[tokio::test]
async fn a_method_that_could_have_a_body_states_that_it_has_none() {
    for (method, length) in [
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
        (Method::GET, None),
        (Method::DELETE, None),
    ] {
        let request = on_the_wire("/v1", Call::request(method.clone(), "/next")).await;
        assert_eq!(request.header("content-length"), length, "{method}");
        assert_eq!(request.header("transfer-encoding"), None, "{method}");
    }
}

#[tokio::test]
async fn id_of_dots_stays_below_the_endpoint() {
    for id in [".", "..", "%2e%2e", "a/../../b"] {
        let request = on_the_wire("/v1", Call::get("/messages/{id}/state").with_id(id)).await;
        let segments: Vec<_> = request.target.split('/').collect();
        assert_eq!(segments.len(), 5, "{id}: {}", request.target);
        assert_eq!((segments[2], segments[4]), ("messages", "state"));
    }
}

#[test]
fn plain_http_is_for_loopback_only() {
    for bad in ["http://api.example", "http://10.0.0.1", "http://127.0.0.1.example/"] {
        assert_eq!(bad.parse::<BaseUrl>(), Err(BaseUrlError::NotHttps), "{bad}");
    }
    for good in ["https://api.example", "http://127.0.0.1:8080/v1", "http://localhost:1"] {
        assert!(good.parse::<BaseUrl>().is_ok(), "{good}");
    }
}

#[test]
fn credential_that_fits_no_header_is_refused_unseen() {
    let config = HttpConfig::new("https://api.example".parse().unwrap());
    let provider = ProviderId::new("faulty").unwrap();
    let secret = Secret::new(format!("{KEY}\r\nx-evil: 1"));
    let error = Transport::new(provider, config, &[("x-api-key", secret)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    leaks::assert_clean(&leaks::shown(&error), SECRETS);
}
