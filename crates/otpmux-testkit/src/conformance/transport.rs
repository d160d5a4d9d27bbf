//! Trials of connections that break, hang or are redirected.

use std::time::Duration;

use otpmux_core::Blame::Provider;
use otpmux_core::Certainty::{NotSent, Rejected, Unknown};
use otpmux_core::{Error, ErrorKind, Verdict};
use tokio::time::{Instant, timeout};

use super::VendorFault;
use super::case::{Cases, Outcome, ensure};
use super::stand::{Bench, blamed, certain, cx, expect, failed, unexpected};
use crate::faulty::{FaultyServer, Reply};

pub(super) fn add(cases: &mut Cases) {
    cases.add("transport/no-answer", async |bench| {
        let error = broken(&bench, VendorFault::Hang).await?;
        expect(&error, ErrorKind::Timeout, Unknown)
    });
    for (name, fault) in [
        ("reset-after-reading", VendorFault::ResetAfterRead),
        ("closed-before-the-answer", VendorFault::CloseBeforeAnswer),
    ] {
        cases.add(format!("transport/{name}"), async move |bench| {
            certain(&broken(&bench, fault).await?, Unknown)
        });
    }
    cases.add("transport/refused", async |bench| {
        certain(&broken(&bench, VendorFault::Refuse).await?, NotSent)
    });
    cases.add("transport/redirect-is-not-followed", redirect);
    cases.add("transport/deadline-is-obeyed", async |bench| {
        let stand = bench.start().await?;
        stand.instance.fault(VendorFault::Hang).await;
        let begun = Instant::now();
        let deadline = begun + Duration::from_millis(100);
        let cx = cx().with_deadline(deadline.into_std());
        let error = failed(stand.provider.send(&cx, &stand.request()).await)?;
        expect(&error, ErrorKind::Timeout, error.certainty())?;
        ensure!(error.certainty() != Rejected, "there was no answer: {error}");
        let late = deadline.elapsed();
        ensure!(late < Duration::from_millis(500), "{late:?} after its deadline");
        Ok(())
    });
    cases.add("transport/a-call-may-be-dropped", dropped);
    if cases.capabilities().vendor_codes.is_some() {
        cases.add("verify/a-broken-connection-is-unknown", async |bench| {
            for fault in
                [VendorFault::ResetAfterRead, VendorFault::CloseBeforeAnswer, VendorFault::Hang]
            {
                let (stand, sent, code) = bench.start_sent().await?;
                stand.instance.fault(fault).await;
                let verdict: Result<Verdict, Error> = stand.verify(&sent, &code).await;
                certain(&failed(verdict)?, Unknown)?;
            }
            Ok(())
        });
    }
}

/// Returns the error of a send to a vendor with this fault; the next send must work again.
async fn broken(bench: &Bench, fault: VendorFault) -> Result<Error, String> {
    let stand = bench.start().await?;
    stand.instance.fault(fault).await;
    let error = failed(stand.send(&stand.request()).await)?;
    blamed(&error, Provider)?;
    let requests = stand.instance.requests_seen().await;
    ensure!(requests <= 1, "{requests} requests for one send");
    let messages = stand.instance.delivered().await.len();
    ensure!(messages == 0, "{messages} messages from a vendor that did nothing");
    stand.instance.heal().await;
    stand.send(&stand.request()).await.map_err(unexpected)?;
    Ok(error)
}

async fn redirect(bench: Bench) -> Outcome {
    let elsewhere = FaultyServer::start(&Reply::json(200, r#"{"success":true}"#)).await;
    let stand = bench.start().await?;
    let url = format!("{}/elsewhere", elsewhere.url());
    stand.instance.fault(VendorFault::Redirect(url)).await;
    let error = failed(stand.send(&stand.request()).await)?;
    certain(&error, Rejected)?;
    blamed(&error, Provider)?;
    let followed = elsewhere.drained().await;
    ensure!(followed == 0, "the request, key and all, went elsewhere");
    Ok(())
}

async fn dropped(bench: Bench) -> Outcome {
    let stand = bench.start().await?;
    stand.instance.fault(VendorFault::Hang).await;
    let request = stand.request();
    let ended = timeout(Duration::from_millis(50), stand.send(&request)).await;
    ensure!(ended.is_err(), "there is no answer, and yet: {ended:?}");
    stand.instance.heal().await;
    stand.send(&stand.request()).await.map_err(unexpected)?;
    Ok(())
}
