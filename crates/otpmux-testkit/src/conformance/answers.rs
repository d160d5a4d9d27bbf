//! Trials of what an HTTP status means on send, and that none is ever an approval.

use otpmux_core::Blame::{self, Provider};
use otpmux_core::Certainty::{self, Refused, Unknown};
use otpmux_core::{ErrorKind, Verdict};

use super::VendorFault;
use super::case::{Cases, Outcome, ensure};
use super::stand::{Bench, blamed, certain, expect, failed};

/// The status, and what must be known about its effect. Where the vendor's own code in the body
/// may say more than the status does, there is no word on the blame; a 503 may be documented as a
/// refusal.
const STATUSES: &[(u16, Option<Certainty>, Option<Blame>)] = &[
    (400, Some(Refused), None),
    (401, Some(Refused), Some(Provider)),
    (402, Some(Refused), Some(Provider)),
    (403, Some(Refused), Some(Provider)),
    (404, Some(Refused), None),
    (408, Some(Unknown), Some(Provider)),
    (409, Some(Refused), None),
    (422, Some(Refused), None),
    (429, Some(Refused), None),
    (500, Some(Unknown), Some(Provider)),
    (502, Some(Unknown), Some(Provider)),
    (503, None, Some(Provider)),
    (504, Some(Unknown), Some(Provider)),
];

pub(super) fn add(cases: &mut Cases) {
    for &(status, certainty, blame) in STATUSES {
        cases.add(format!("answers/{status}"), async move |bench| {
            answered(&bench, status, certainty, blame).await
        });
    }
    cases.add("answers/wrong-credentials", async |bench| {
        let stand = bench.start().await?;
        let stranger = stand.instance.wrong_credentials().await;
        let sent = stranger.send(&super::stand::cx(), &stand.request()).await;
        let error = failed(sent)?;
        expect(&error, ErrorKind::Unauthenticated, Refused)?;
        blamed(&error, Provider)?;
        let messages = stand.instance.delivered().await.len();
        ensure!(messages == 0, "a message went out");
        Ok(())
    });
    if cases.capabilities().vendor_codes.is_some() {
        cases.add("verify/no-status-approves", no_status_approves);
        cases.add("verify/wrong-credentials", async |bench| {
            let (stand, sent, code) = bench.start_sent().await?;
            let stranger = stand.instance.wrong_credentials().await;
            let verdict = stand.verify_by(&*stranger, &sent, &code).await;
            expect(&failed(verdict)?, ErrorKind::Unauthenticated, Refused)
        });
    }
}

async fn answered(
    bench: &Bench,
    status: u16,
    certainty: Option<Certainty>,
    blame: Option<Blame>,
) -> Outcome {
    let stand = bench.start().await?;
    stand.instance.fault(VendorFault::Status(status)).await;
    let error = failed(stand.send(&stand.request()).await)?;
    ensure!(
        error.certainty() != Certainty::NotSent,
        "it was sent: {error}"
    );
    let named = error.provider() == Some(stand.provider.id());
    ensure!(named, "the error does not name its provider: {error}");
    ensure!(
        error.status() == Some(status),
        "the error does not name the status: {error}"
    );
    if let Some(certainty) = certainty {
        certain(&error, certainty)?;
    }
    if let Some(blame) = blame {
        blamed(&error, blame)?;
    }
    let requests = stand.instance.requests_seen().await;
    ensure!(requests == 1, "{requests} requests for one send");
    stand.instance.heal().await;
    let healed = stand.send(&stand.request()).await;
    ensure!(healed.is_ok(), "does not recover: {healed:?}");
    Ok(())
}

async fn no_status_approves(bench: Bench) -> Outcome {
    for status in [
        200, 201, 202, 204, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503,
    ] {
        let (stand, sent, code) = bench.start_sent().await?;
        // An empty object for the successes: the vendor's own answer to those would be a real one.
        let fault = if status < 300 {
            VendorFault::Answer(status, "{}".to_owned())
        } else {
            VendorFault::Status(status)
        };
        stand.instance.fault(fault).await;
        let verdict = stand.verify(&sent, &code).await;
        let approved = verdict.as_ref().is_ok_and(Verdict::is_approved);
        ensure!(!approved, "{status} approves");
        if status >= 500 {
            certain(&failed(verdict)?, Unknown).or_else(|text| {
                // As on send: a vendor may document its 503 as a refusal.
                if status == 503 { Ok(()) } else { Err(text) }
            })?;
        }
    }
    Ok(())
}
