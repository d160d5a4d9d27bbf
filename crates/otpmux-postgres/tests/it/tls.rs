//! TLS: the store connects only to a server with a trusted certificate, and in the clear only where
//! it may.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use otpmux_engine::VerificationStore;
use otpmux_testkit::PostgresServer;

use crate::world::{CODE, now, put, record, store_at, verdict};

/// Set for the process that trusts the authority, to its server.
const CLIENT: &str = "OTPMUX_TEST_TLS_CLIENT";

/// Makes a certificate for 127.0.0.1, and the authority that has signed it.
fn make_certificates(directory: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        let output = command.args(arguments.split(' ')).current_dir(directory).output();
        let output = output.expect("openssl is not installed: apt-get install openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    fs::write(directory.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca"));
    openssl(&format!("req {key} -keyout server.key -out request -subj /CN=server"));
    openssl(
        "x509 -req -in request -CA ca.pem -CAkey ca.key -days 2 -extfile names -out server.crt",
    );
}

fn start_tls() -> PostgresServer {
    let server = PostgresServer::start();
    make_certificates(&server.directory());
    for name in ["server.key", "server.crt"] {
        server.give(&server.directory().join(name));
    }
    server.sql("ALTER SYSTEM SET ssl = on");
    server.sql("SELECT pg_reload_conf()");
    server
}

/// Not a test: the main function of the process that trusts the authority.
#[tokio::test]
async fn client() {
    let Ok(url) = env::var(CLIENT) else { return };
    let store = store_at(&url, "test");
    let id = put(&store, record(1)).await;
    assert!(verdict(&store, id, CODE).await.is_approved());
}

#[tokio::test]
async fn only_a_trusted_server_is_talked_to() {
    let server = start_tls();
    let url = format!("{}?sslmode=verify-full", server.url());
    let error = store_at(&url, "test").health(now()).await.unwrap_err();
    assert!(error.detail().contains("that this machine trusts"), "{error}");
    assert_eq!(server.sql("SELECT to_regnamespace('test')"), "");

    let mut client = Command::new(env::current_exe().unwrap());
    client.args(["--exact", "tls::client"]).env(CLIENT, &url);
    client.env("SSL_CERT_FILE", server.directory().join("ca.pem"));
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(server.sql("SELECT count(*) FROM test.records"), "1");
}

#[tokio::test]
async fn a_server_without_tls_is_not_talked_to_where_tls_is_needed() {
    let server = PostgresServer::start();
    let url = format!("{}?sslmode=require", server.url());
    let error = store_at(&url, "test").health(now()).await.unwrap_err();
    assert!(error.detail().contains("sslmode=disable"), "{error}");
    assert_eq!(server.sql("SELECT to_regnamespace('test')"), "");
}
