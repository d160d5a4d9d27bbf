//! Trials of resend, cancel, status, balance, report and receipts.

use otpmux_core::{
    Blame, Cancellation, Certainty, Clock as _, Code, Delivery, ErrorKind, Outcome, ReceiptRequest,
    ReportRequest, ResendRequest, SendRequest, Sent, SystemClock, Target,
};

use super::case::{Cases, ensure};
use super::stand::{A_WHILE, Bench, Stand, blamed, cx, expect, unexpected};

pub(super) fn resend(cases: &mut Cases) {
    cases.add("resend/sends-again", async |bench| {
        let (stand, sent, first) = start_sent(&bench).await?;
        // Vendors require a wait between two messages.
        stand.instance.advance(A_WHILE).await;
        let request = ResendRequest::new(stand.target(&sent));
        let again = stand.provider.resend(&cx(), &request).await;
        let again = again.map_err(unexpected)?;
        let messages = stand.instance.delivered().await.len();
        ensure!(messages == 2, "{messages} messages after one resend");
        let code = stand.last_code().await?;
        if bench.capabilities.vendor_codes.is_none() {
            ensure!(code == first, "another code than ours was sent again");
            return Ok(());
        }
        // Without a new reference, the old one remains in use.
        let reference = if again.reference.is_some() { again } else { sent };
        let verdict = stand.verify(&reference, &code).await.map_err(unexpected)?;
        ensure!(verdict.is_approved(), "the code that was sent again: {verdict:?}");
        Ok(())
    });
}

/// Starts with a code that has arrived: a vendor's code if possible, since only that one can be
/// verified.
async fn start_sent(bench: &Bench) -> Result<(Stand, Sent, Code), String> {
    if bench.capabilities.vendor_codes.is_some() {
        return bench.start_sent().await;
    }
    let stand = bench.start().await?;
    let sent = stand.send(&stand.request()).await.map_err(unexpected)?;
    let code = stand.last_code().await?;
    Ok((stand, sent, code))
}

pub(super) fn no_resend(cases: &mut Cases) {
    cases.add("resend/is-refused", async |bench| {
        let stand = bench.start().await?;
        let request = ResendRequest::new(stand.target(&Sent::new()));
        let cx = cx();
        stand.unsupported(stand.provider.resend(&cx, &request)).await
    });
}

pub(super) fn cancel(cases: &mut Cases) {
    cases.add("cancel/voids-the-code", async |bench| {
        let (stand, sent, code) = start_sent(&bench).await?;
        let target = stand.target(&sent);
        let mut cancelled = stand.provider.cancel(&cx(), &target).await;
        if let Ok(Cancellation::TooEarly { retry_after }) = cancelled {
            stand.instance.advance(retry_after.unwrap_or(A_WHILE)).await;
            cancelled = stand.provider.cancel(&cx(), &target).await;
        }
        let cancelled = cancelled.map_err(unexpected)?;
        ensure!(cancelled == Cancellation::Cancelled, "{cancelled:?}");
        if bench.capabilities.vendor_codes.is_none() {
            return Ok(());
        }
        let verdict = stand.verify(&sent, &code).await.map_err(unexpected)?;
        ensure!(!verdict.is_approved(), "approved a code that was cancelled");
        Ok(())
    });
}

pub(super) fn no_cancel(cases: &mut Cases) {
    cases.add("cancel/is-refused", async |bench| {
        let stand = bench.start().await?;
        let (cx, target) = (cx(), stand.target(&Sent::new()));
        stand.unsupported(stand.provider.cancel(&cx, &target)).await
    });
}

pub(super) fn status(cases: &mut Cases) {
    cases.add("status/reports-where-a-message-is", async |bench| {
        let stand = bench.start().await?;
        let sent = stand.send(&stand.request()).await.map_err(unexpected)?;
        let before = stand.instance.requests_seen().await;
        let target = stand.target(&sent);
        let status = stand.provider.status(&cx(), &target).await;
        let status = status.map_err(unexpected)?;
        let known = status.delivery != Delivery::Unknown;
        ensure!(known, "the vendor's usual word for a message is not known");
        let requests = stand.instance.requests_seen().await - before;
        ensure!(requests == 1, "{requests} requests for one status");
        let messages = stand.instance.delivered().await.len();
        ensure!(messages == 1, "asking has sent something");
        Ok(())
    });
}

pub(super) fn status_by_key(cases: &mut Cases) {
    cases.add("status/finds-a-message-by-our-key", async |bench| {
        let stand = bench.start().await?;
        let sent_under = cx();
        stand.provider.send(&sent_under, &stand.request()).await.map_err(unexpected)?;
        let target = stand.target(&Sent::new());
        let status = stand.provider.status(&sent_under, &target).await.map_err(unexpected)?;
        let arrives =
            matches!(status.delivery, Delivery::Accepted | Delivery::Sent | Delivery::Delivered);
        ensure!(arrives, "a message that was sent is {:?}", status.delivery);
        let other = stand.provider.status(&cx(), &target).await;
        ensure!(other.is_err(), "a key that was never used finds a message: {other:?}");
        Ok(())
    });
}

pub(super) fn no_status(cases: &mut Cases) {
    cases.add("status/is-refused", async |bench| {
        let stand = bench.start().await?;
        let (cx, target) = (cx(), stand.target(&Sent::new()));
        stand.unsupported(stand.provider.status(&cx, &target)).await
    });
}

pub(super) fn balance(cases: &mut Cases) {
    cases.add("balance/is-a-decimal-number", async |bench| {
        let stand = bench.start().await?;
        let balance = stand.provider.balance(&cx()).await.map_err(unexpected)?;
        let amount = balance.amount.strip_prefix('-').unwrap_or(&balance.amount);
        let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        ensure!(digits(whole) && digits(part), "{:?} is no number", balance.amount);
        Ok(())
    });
}

pub(super) fn no_balance(cases: &mut Cases) {
    cases.add("balance/is-refused", async |bench| {
        let stand = bench.start().await?;
        let cx = cx();
        stand.unsupported(stand.provider.balance(&cx)).await
    });
}

pub(super) fn report(cases: &mut Cases) {
    cases.add("report/approved-is-accepted", async |bench| {
        let stand = bench.start().await?;
        let (request, report) = sent_for_report(&stand).await?;
        let code = request.code.otpmux_code().cloned().ok_or("a report is on a code of otpmux")?;
        let report = report.with_code(code);
        stand.provider.report(&cx(), &report).await.map_err(unexpected)
    });
}

pub(super) fn no_report(cases: &mut Cases) {
    cases.add("report/is-refused", async |bench| {
        let stand = bench.start().await?;
        let (_, report) = sent_for_report(&stand).await?;
        let cx = cx();
        stand.unsupported(stand.provider.report(&cx, &report)).await
    });
}

async fn sent_for_report(stand: &Stand) -> Result<(SendRequest, ReportRequest), String> {
    let request = stand.request();
    let sent = stand.send(&request).await.map_err(unexpected)?;
    let target = Target::new(request.recipient.clone(), sent.reference);
    Ok((request, ReportRequest::new(target, Outcome::Approved)))
}

pub(super) fn receipts(cases: &mut Cases) {
    cases.add("receipts/forged-is-refused", async |bench| {
        let stand = bench.start().await?;
        let cx = cx();
        for (headers, body) in FORGED {
            let error =
                stand.untouched(stand.provider.receipts(&cx, &receipt(headers, body))).await?;
            expect(&error, ErrorKind::Unauthenticated, Certainty::NotSent)?;
            blamed(&error, Blame::Caller)?;
        }
        Ok(())
    });
}

pub(super) fn no_receipts(cases: &mut Cases) {
    cases.add("receipts/are-refused", async |bench| {
        let stand = bench.start().await?;
        let cx = cx();
        stand.unsupported(stand.provider.receipts(&cx, &receipt(&[], b"{}"))).await
    });
}

type Headers = &'static [(&'static str, &'static [u8])];

/// Receipts without a signature, or with one of anybody.
const FORGED: [(Headers, &[u8]); 4] = [
    (&[], b""),
    (&[("content-type", b"application/json")], br#"{"status":"delivered"}"#),
    (&[("content-type", b"application/x-www-form-urlencoded")], b"MessageStatus=delivered"),
    (&[("authorization", b"Bearer e30.e30.e30")], &[0xff; 64]),
];

fn receipt(headers: Headers, body: &'static [u8]) -> ReceiptRequest<'static> {
    let url = "https://otp.example.com/v1/receipts/p?token=0";
    ReceiptRequest { method: "POST", url, headers, body, at: SystemClock.now() }
}
