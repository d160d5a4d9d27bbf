//! Redirects, which would carry key, recipient and code elsewhere.

use otpmux_core::Certainty::{Rejected, Unknown};
use otpmux_core::ErrorKind::Unavailable;
use otpmux_http::Call;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply};

use crate::support::{KEY, assert_error, cx, patient, post};

#[tokio::test]
async fn are_refused_and_the_other_host_sees_nothing() {
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let elsewhere = FaultyServer::start(&Reply::json(200, r#"{"success":true}"#)).await;
        let play = Play::redirect(status, &format!("{}/send", elsewhere.url()));
        let server = FaultyServer::start(play).await;
        let transport = patient(&server.url());
        for call in [post(), Call::get("/balance")] {
            let error = transport.call(&cx(), call).await.unwrap_err();
            // A 303 leads to the result of a request that was carried out.
            let certainty = if status == 303 { Unknown } else { Rejected };
            assert_error(&error, Unavailable, certainty);
            assert_eq!(error.status(), Some(status));
        }
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "one request per call");
        assert_eq!(requests[0].header("x-api-key"), Some(KEY), "the right host has the key");
        assert_eq!(elsewhere.drained().await, 0, "{status} was followed");
    }
}

#[tokio::test]
async fn are_refused_on_the_same_host_too() {
    let server = FaultyServer::start(Play::redirect(307, "/v2/send")).await;
    let error = patient(&server.url()).call(&cx(), post()).await.unwrap_err();
    assert_error(&error, Unavailable, Rejected);
    assert_eq!(server.requests().len(), 1);
}
