//! Trials of what each HTTP status means on send, and that no status is an approval.

use otpmux_core::Blame::{self, Provider};
use otpmux_core::Certainty::{self, Rejected, Unknown};
use otpmux_core::{Error, ErrorKind, Verdict};

use super::VendorFault;
use super::case::{Cases, Outcome, ensure};
use super::stand::{Bench, blamed, certain, expect, failed, unexpected};

/// A status, with its certainty and blame on send; `None` where a vendor's documentation may say
/// either. A 409 may mean that an earlier send with the same key is still in progress, a 503 may be
/// a rejection, and many a 4xx may be another party's fault.
const STATUSES: &[(u16, Option<Certainty>, Option<Blame>)] = &[
    (400, Some(Rejected), None),
    (401, Some(Rejected), Some(Provider)),
    (402, Some(Rejected), Some(Provider)),
    (403, Some(Rejected), Some(Provider)),
    (404, Some(Rejected), None),
    (408, Some(Unknown), Some(Provider)),
    (409, None, None),
    (422, Some(Rejected), None),
    (429, Some(Rejected), None),
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
        expect(&error, ErrorKind::Unauthenticated, Rejected)?;
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
            expect(&failed(verdict)?, ErrorKind::Unauthenticated, Rejected)
        });
    }
}

async fn answered(
    bench: &Bench,
    status: u16,
    certainty: Option<Certainty>,
    blame: Option<Blame>,
) -> Outcome {
    // Without more in the body, the status decides alone.
    let error = refused(bench, VendorFault::Answer(status, "{}".to_owned())).await?;
    ensure!(error.status() == Some(status), "the error does not name the status: {error}");
    if let Some(certainty) = certainty {
        certain(&error, certainty)?;
    }
    if let Some(blame) = blame {
        blamed(&error, blame)?;
    }
    refused(bench, VendorFault::Status(status)).await.map(drop)
}

/// Returns the error of a send to a vendor that answers this; the next send must work again.
async fn refused(bench: &Bench, fault: VendorFault) -> Result<Error, String> {
    let stand = bench.start().await?;
    stand.instance.fault(fault).await;
    let error = failed(stand.send(&stand.request()).await)?;
    ensure!(error.certainty() != Certainty::NotSent, "it was sent: {error}");
    let named = error.provider() == Some(stand.provider.id());
    ensure!(named, "the error does not name its provider: {error}");
    let requests = stand.instance.requests_seen().await;
    ensure!(requests == 1, "{requests} requests for one send");
    stand.instance.heal().await;
    stand.send(&stand.request()).await.map_err(unexpected)?;
    Ok(error)
}

async fn no_status_approves(bench: Bench) -> Outcome {
    for status in [200, 201, 202, 204, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503] {
        let (stand, sent, code) = bench.start_sent().await?;
        // An empty object for the success statuses: the vendor's own answer to those would be real.
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
