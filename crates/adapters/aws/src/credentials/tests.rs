//! Each source of credentials, in front of a server that plays it.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Certainty, Clock, Context, ErrorKind, IdempotencyKey, ProviderId, Secret};
use otpmux_testkit::ManualClock;
use wiremock::matchers::{body_string_contains, header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Credentials, Environment};
use crate::{Aws, AwsBuilder};

/// 2026-01-01T00:00:00Z.
const NOW: u64 = 1_767_225_600;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at_unix(NOW))
}

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

fn settings() -> AwsBuilder {
    Aws::builder("sms", "eu-central-1")
}

fn open(settings: &AwsBuilder, pairs: &[(&str, &str)], clock: Arc<dyn Clock>) -> Credentials {
    let id = ProviderId::new("aws").unwrap();
    // No file of this machine is read.
    let mut pairs = pairs.to_vec();
    pairs.extend([("AWS_SHARED_CREDENTIALS_FILE", "/none"), ("AWS_CONFIG_FILE", "/none")]);
    Credentials::new(&id, settings, &Environment::of(&pairs), clock).unwrap()
}

fn refused(settings: &AwsBuilder, pairs: &[(&str, &str)]) -> String {
    let id = ProviderId::new("aws").unwrap();
    let mut pairs = pairs.to_vec();
    pairs.extend([("AWS_SHARED_CREDENTIALS_FILE", "/none"), ("AWS_CONFIG_FILE", "/none")]);
    let result = Credentials::new(&id, settings, &Environment::of(&pairs), clock());
    result.unwrap_err().to_string()
}

fn document(id: &str, expiration: &str) -> ResponseTemplate {
    let json = format!(
        r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"s3cret","Token":"t0ken","Expiration":"{expiration}"}}"#
    );
    ResponseTemplate::new(200).set_body_string(json)
}

async fn id_of(credentials: &Credentials) -> String {
    credentials.keys(&cx()).await.unwrap().access_key_id
}

#[tokio::test]
async fn settings_come_before_the_environment() {
    let environment = [("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", "env")];
    let of_settings = settings().access_key_id("AKIDSET").secret_access_key("set");
    assert_eq!(id_of(&open(&of_settings, &environment, clock())).await, "AKIDSET");
    assert_eq!(id_of(&open(&settings(), &environment, clock())).await, "AKIDENV");
    let half = settings().access_key_id("AKIDSET");
    assert!(refused(&half, &environment).starts_with("secret_access_key: missing"));
    let other = settings().credentials("settings");
    assert!(refused(&other, &environment).contains("needs `access_key_id`"));
}

#[tokio::test]
async fn an_instance_gives_its_role_by_version_2_only() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .and(path("/latest/api/token"))
        .and(header_exists("x-aws-ec2-metadata-token-ttl-seconds"))
        .respond_with(ResponseTemplate::new(200).set_body_string("imds-token"))
        .mount(&server)
        .await;
    let roles = "/latest/meta-data/iam/security-credentials/";
    let with_token = || header("x-aws-ec2-metadata-token", "imds-token");
    Mock::given(method("GET"))
        .and(path(roles))
        .and(with_token())
        .respond_with(ResponseTemplate::new(200).set_body_string("otp-role\n"))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(format!("{roles}otp-role")))
        .and(with_token())
        .respond_with(document("ASIAINSTANCE", "2026-01-01T06:00:00Z"))
        .mount(&server)
        .await;
    let uri = server.uri();
    let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*uri)];
    let credentials = open(&settings(), &environment, clock());
    let keys = credentials.keys(&cx()).await.unwrap();
    assert_eq!(keys.access_key_id, "ASIAINSTANCE");
    assert_eq!(keys.session_token.as_ref().map(Secret::expose), Some("t0ken"));
    assert!(!format!("{credentials:?} {keys:?}").contains("s3cret"));

    let disabled = [("AWS_EC2_METADATA_DISABLED", "true")];
    assert!(refused(&settings(), &disabled).contains("no credentials were found"));
    let elsewhere = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://metadata.example.com")];
    assert!(refused(&settings(), &elsewhere).contains("link-local"));
}

#[tokio::test]
async fn a_container_is_asked_with_its_token() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/credentials"))
        .and(header("authorization", "pod-token"))
        .respond_with(document("ASIAPOD", "2026-01-01T06:00:00Z"))
        .mount(&server)
        .await;
    let uri = format!("{}/v1/credentials", server.uri());
    let environment = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token"),
    ];
    let credentials = open(&settings().credentials("container"), &environment, clock());
    assert_eq!(id_of(&credentials).await, "ASIAPOD");
    let outside = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/credentials")];
    assert!(refused(&settings(), &outside).contains("link-local"));
}

#[tokio::test]
async fn a_web_identity_is_exchanged_at_sts() {
    let server = MockServer::start().await;
    let answer = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
        <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId>\
        <SecretAccessKey>s3cret</SecretAccessKey><SessionToken>t0ken</SessionToken>\
        <Expiration>2026-01-01T01:00:00Z</Expiration></Credentials>\
        </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
    Mock::given(method("POST"))
        .and(body_string_contains("Action=AssumeRoleWithWebIdentity"))
        .and(body_string_contains("WebIdentityToken=jwt.of.the.pod"))
        .respond_with(ResponseTemplate::new(200).set_body_string(answer))
        .mount(&server)
        .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "jwt.of.the.pod\n").unwrap();
    let uri = server.uri();
    let environment = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.path().to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/otp"),
        ("AWS_ENDPOINT_URL_STS", &*uri),
    ];
    let credentials = open(&settings(), &environment, clock());
    assert_eq!(id_of(&credentials).await, "ASIAWEB");
    assert!(server.received_requests().await.unwrap()[0].headers.get("authorization").is_none());
}

fn container_settings() -> AwsBuilder {
    settings().credentials("container")
}

#[tokio::test]
async fn keys_are_fetched_once_and_replaced_before_they_end() {
    let server = MockServer::start().await;
    let gives = |id: &str, expiration: &str| {
        Mock::given(method("GET")).respond_with(document(id, expiration)).up_to_n_times(1)
    };
    gives("FIRST", "2026-01-01T01:00:00Z").mount(&server).await;
    gives("SECOND", "2026-01-01T02:00:00Z").mount(&server).await;
    let uri = format!("{}/c", server.uri());
    let environment = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri)];
    let clock = clock();
    let credentials = open(&container_settings(), &environment, clock.clone());
    let (one, two, three) =
        tokio::join!(id_of(&credentials), id_of(&credentials), id_of(&credentials));
    assert_eq!([one, two, three], ["FIRST", "FIRST", "FIRST"]);
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "one fetch for three calls");
    clock.advance(Duration::from_mins(54));
    assert_eq!(id_of(&credentials).await, "FIRST");
    clock.advance(Duration::from_mins(2));
    assert_eq!(id_of(&credentials).await, "SECOND", "four minutes before the end of the first");
    // There are no more: the old ones hold to their end.
    clock.advance(Duration::from_mins(62));
    assert_eq!(id_of(&credentials).await, "SECOND");
    clock.advance(Duration::from_mins(3));
    let error = credentials.keys(&cx()).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Unauthenticated, Certainty::NotSent));
    assert!(error.to_string().contains("no AWS credentials from the container"), "{error}");
}

#[tokio::test]
async fn without_credentials_nothing_was_sent_whatever_the_source_answers() {
    for answer in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_string(r#"{"Code":"Failed"}"#),
        ResponseTemplate::new(200).set_body_string(r#"{"AccessKeyId":"A"}"#),
        ResponseTemplate::new(302).insert_header("location", "http://example.com"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let uri = format!("{}/c", server.uri());
        let environment = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri)];
        let credentials = open(&container_settings(), &environment, clock());
        let error = credentials.keys(&cx()).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::NotSent, "{error}");
    }
}
