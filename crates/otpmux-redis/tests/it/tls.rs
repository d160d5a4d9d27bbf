//! TLS: the store connects only to a server with a trusted certificate.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use otpmux_engine::VerificationStore;
use otpmux_testkit::{RedisReply, RedisServer};

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
        "x509 -req -in request -CA ca.pem -CAkey ca.key -days 2 -extfile names -out server.pem",
    );
}

/// Opens a port for TLS, besides the usual one.
fn start_tls() -> (RedisServer, String) {
    let plain = RedisServer::start();
    make_certificates(plain.directory());
    let set = |name: &str, value: &str| plain.command(&["CONFIG", "SET", name, value]);
    let ok = RedisReply::Text("OK".into());
    let file = |name: &str| plain.directory().join(name).display().to_string();
    let certificate = [file("server.pem"), file("server.key"), file("ca.pem")];
    let [pem, key, ca] = &certificate;
    let settings = ["CONFIG", "SET", "tls-cert-file", pem, "tls-key-file", key];
    let trust = ["tls-ca-cert-file", ca, "tls-auth-clients", "no"];
    assert_eq!(plain.command(&[&settings[..], &trust].concat()), ok);
    // Another program may take a free port before it is used.
    for _ in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        if set("tls-port", &port.to_string()) == ok {
            return (plain, format!("rediss://127.0.0.1:{port}"));
        }
    }
    panic!("no port stays free");
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
    let (server, url) = start_tls();
    let error = store_at(&url, "test").health(now()).await.unwrap_err();
    assert!(error.detail().contains("no connection to Redis: invalid peer certificate"), "{error}");
    assert_eq!(server.command(&["DBSIZE"]).number(), 0);

    let mut client = Command::new(env::current_exe().unwrap());
    client.args(["--exact", "tls::client"]).env(CLIENT, &url);
    client.env("SSL_CERT_FILE", server.directory().join("ca.pem"));
    let output = client.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(server.command(&["DBSIZE"]).number() > 0);
}
