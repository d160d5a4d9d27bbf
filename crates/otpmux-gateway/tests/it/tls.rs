//! HTTPS, and another certificate without a restart.

use std::process::Command;

use reqwest::Certificate;

use crate::world::{Home, Running, emulator, environment, start, toml};

/// A certificate that signs itself, made by openssl.
fn make_certificate(home: &Home, name: &str) -> Certificate {
    let (key, pem) = (home.file("key.pem"), home.file("certificate.pem"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(&pem)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Certificate::from_pem(&std::fs::read(pem).unwrap()).unwrap()
}

async fn alive(gateway: &Running, certificate: &Certificate) -> bool {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([certificate.clone()])
        .build()
        .unwrap();
    client.get(format!("{}/healthz", gateway.url)).send().await.is_ok_and(|it| it.status() == 200)
}

#[tokio::test]
async fn a_reload_brings_a_new_certificate_and_a_broken_one_keeps_the_old() {
    let (emulator, home) = (emulator().await, Home::new());
    let first = make_certificate(&home, "first");
    let server = format!(
        "[server]\ntls_certificate = {:?}\ntls_private_key = {:?}\n[[server.api_keys]]\nname = \
         \"web\"\nkey = \"env:WEB_KEY\"\n",
        home.file("certificate.pem"),
        home.file("key.pem")
    );
    let gateway = start(&toml(&emulator, &server), environment()).await.unwrap();
    assert!(gateway.url.starts_with("https://"));
    assert!(alive(&gateway, &first).await);
    // Plain HTTP is not spoken there.
    let plain = gateway.url.replace("https", "http");
    assert!(gateway.http.get(format!("{plain}/healthz")).send().await.is_err());

    std::fs::write(home.file("certificate.pem"), "nothing").unwrap();
    let error = gateway.reloader.reload().await.unwrap_err().to_string();
    assert!(error.contains("server.tls_certificate"), "{error}");
    assert!(alive(&gateway, &first).await);

    let second = make_certificate(&home, "second");
    gateway.reloader.reload().await.unwrap();
    assert!(alive(&gateway, &second).await);
    assert!(!alive(&gateway, &first).await);
}

#[tokio::test]
async fn files_that_are_missing_or_do_not_fit_are_reported() {
    let (emulator, home) = (emulator().await, Home::new());
    let server = format!(
        "[server]\ntls_certificate = {0:?}\ntls_private_key = {0:?}\n[[server.api_keys]]\nname = \
         \"web\"\nkey = \"env:WEB_KEY\"\n",
        home.file("certificate.pem"),
    );
    let text = toml(&emulator, &server);
    let error = start(&text, environment()).await.err().unwrap().to_string();
    assert!(error.contains("server.tls_certificate: the file"), "{error}");
    make_certificate(&home, "any");
    let error = start(&text, environment()).await.err().unwrap().to_string();
    assert!(
        error.contains("server.tls_private_key") && error.contains("no private key"),
        "{error}"
    );
}
