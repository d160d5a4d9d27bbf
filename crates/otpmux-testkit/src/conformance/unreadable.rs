//! Trials of answers without meaning: they are no success, no approval and no wrong code.

use otpmux_core::Blame::Provider;
use otpmux_core::Certainty::Unknown;
use otpmux_core::{Error, ErrorKind, Verdict};

use super::VendorFault;
use super::case::{Cases, Outcome, ensure};
use super::stand::{Bench, Stand, blamed, certain, expect, failed};

/// Answers with status 200 that accept nothing in any vendor's API.
const NOTHING: &[&str] =
    &["", "{}", "[]", "null", "\"ok\"", "true", "{\"success\":", "<html>OK</html>"];

/// Answers with status 200 that resemble an approval without being one.
const ALMOST: &[&str] = &[
    r#"{"success":true}"#,
    r#"{"success":true,"data":{}}"#,
    r#"{"success":true,"data":null}"#,
    r#"{"success":true,"message":"OTP verified successfully"}"#,
    r#"{"success":true,"verified":null}"#,
    r#"{"success":true,"verified":1}"#,
    r#"{"success":true,"verified":"false"}"#,
    r#"{"success":true,"data":{"verified":"yes"}}"#,
    r#"{"success":false,"verified":false}"#,
    r#"{"error":{"verified":true}}"#,
    r#"[{"success":true,"verified":true}]"#,
    r#"{"status":"ok"}"#,
    r#"{"status":200}"#,
];

pub(super) fn add(cases: &mut Cases) {
    cases.add("unreadable/send-is-a-protocol-error", async |bench| {
        let stand = bench.start().await?;
        stand.instance.fault(VendorFault::GarbageJson).await;
        protocol(&failed(stand.send(&stand.request()).await)?)?;
        for body in NOTHING {
            answering(&stand, body).await;
            let result = stand.send(&stand.request()).await;
            let error = failed(result).map_err(|text| format!("{body}: {text}"))?;
            protocol(&error).map_err(|text| format!("{body}: {text}"))?;
        }
        Ok(())
    });
    cases.add("unreadable/nesting-does-not-overflow", async |bench| {
        let stand = bench.start().await?;
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        answering(&stand, &deep).await;
        certain(&failed(stand.send(&stand.request()).await)?, Unknown)
    });
    cases.add("unreadable/not-http-on-send", async |bench| {
        let stand = bench.start().await?;
        stand.instance.fault(VendorFault::GarbageHttp).await;
        let error = failed(stand.send(&stand.request()).await)?;
        certain(&error, Unknown)?;
        blamed(&error, Provider)
    });
    if cases.capabilities().vendor_codes.is_some() {
        cases.add("unreadable/verify-is-a-protocol-error", verify_nothing);
        cases.add("unreadable/almost-approved-is-not", verify_almost);
    }
}

async fn verify_nothing(bench: Bench) -> Outcome {
    let (stand, sent, code) = bench.start_sent().await?;
    for fault in [VendorFault::GarbageJson, VendorFault::GarbageHttp] {
        stand.instance.fault(fault).await;
        certain(&failed(stand.verify(&sent, &code).await)?, Unknown)?;
    }
    for body in NOTHING {
        answering(&stand, body).await;
        let error = failed(stand.verify(&sent, &code).await);
        let error = error.map_err(|text| format!("{body}: {text}"))?;
        protocol(&error).map_err(|text| format!("{body}: {text}"))?;
    }
    Ok(())
}

async fn verify_almost(bench: Bench) -> Outcome {
    let (stand, sent, code) = bench.start_sent().await?;
    for body in ALMOST {
        answering(&stand, body).await;
        let verdict = stand.verify(&sent, &code).await;
        let approved = verdict.as_ref().is_ok_and(Verdict::is_approved);
        ensure!(!approved, "{body} approves");
    }
    Ok(())
}

async fn answering(stand: &Stand, body: &str) {
    let fault = VendorFault::Answer(200, body.to_owned());
    stand.instance.fault(fault).await;
}

fn protocol(error: &Error) -> Outcome {
    expect(error, ErrorKind::Protocol, Unknown)?;
    blamed(error, Provider)
}
