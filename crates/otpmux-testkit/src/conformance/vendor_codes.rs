//! Trials of codes that the vendor generates and verifies.

use otpmux_core::{Code, Recipient, Sent, VendorReference, Verdict};

use super::case::{Cases, Outcome, ensure};
use super::stand::{LONG, Stand, fresh_code, other_code, unexpected};

pub(super) fn claimed(cases: &mut Cases) {
    let lengths = cases.capabilities().vendor_codes.clone().and_then(|codes| codes.lengths);
    match lengths {
        Some(range) => {
            let (shortest, longest) = range.into_inner();
            for (name, length) in [("shortest", shortest), ("longest", longest)] {
                cases.add(format!("vendor-codes/{name}"), async move |bench| {
                    let stand = bench.start().await?;
                    let request = stand.vendor_request(Some(length));
                    stand.send(&request).await.map_err(unexpected)?;
                    let found = stand.last_code().await?.length();
                    ensure!(found == length, "{found} digits instead of {length}");
                    Ok(())
                });
            }
            refuses_lengths(cases, vec![shortest.saturating_sub(1), longest + 1]);
        }
        None => refuses_lengths(cases, vec![6]),
    }
    verdicts(cases);
}

fn refuses_lengths(cases: &mut Cases, lengths: Vec<u8>) {
    cases.add("vendor-codes/other-lengths-are-refused", async move |bench| {
        let stand = bench.start().await?;
        for length in lengths {
            let request = stand.vendor_request(Some(length));
            stand.unsupported(stand.send(&request)).await?;
        }
        Ok(())
    });
}

fn verdicts(cases: &mut Cases) {
    cases.add("verify/right-code-is-approved", async |bench| {
        let (stand, sent, code) = bench.start_sent().await?;
        let before = stand.instance.requests_seen().await;
        let verdict = stand.verify(&sent, &code).await.map_err(unexpected)?;
        ensure!(verdict == Verdict::Approved, "{verdict:?}");
        let requests = stand.instance.requests_seen().await - before;
        ensure!(requests == 1, "{requests} requests for one verify");
        Ok(())
    });
    cases.add("verify/wrong-code-is-an-answer", async |bench| {
        let (stand, sent, code) = bench.start_sent().await?;
        denied(&stand, &sent, &other_code(&code, 0)).await?;
        let verdict = stand.verify(&sent, &code).await.map_err(unexpected)?;
        ensure!(verdict.is_approved(), "then the right one: {verdict:?}");
        Ok(())
    });
    cases.add("verify/approves-once", async |bench| {
        let (stand, sent, code) = bench.start_sent().await?;
        let verdict = stand.verify(&sent, &code).await.map_err(unexpected)?;
        ensure!(verdict.is_approved(), "the first time: {verdict:?}");
        denied(&stand, &sent, &code).await
    });
    cases.add("verify/not-after-its-time", async |bench| {
        let (stand, sent, code) = bench.start_sent().await?;
        stand.instance.advance(LONG).await;
        denied(&stand, &sent, &code).await
    });
    if let Some(guesses) = cases.capabilities().limits.guesses {
        cases.add("verify/not-after-too-many-wrong-codes", async move |bench| {
            let (stand, sent, code) = bench.start_sent().await?;
            for nth in 0..guesses {
                // The last one may already be answered as one too many.
                let wrong = other_code(&code, usize::try_from(nth % 8).unwrap_or(0));
                denied(&stand, &sent, &wrong).await?;
            }
            denied(&stand, &sent, &code).await
        });
    }
    cases.add("verify/unknown-reference-is-not-approved", async |bench| {
        let (stand, _, code) = bench.start_sent().await?;
        let mut made_up = Sent::new();
        made_up.reference = Some(VendorReference::new("otp_conformance-made-this-up"));
        let other = other_code(&code, 0);
        let verdict = stand.verify(&made_up, &other).await;
        let approved = verdict.as_ref().is_ok_and(Verdict::is_approved);
        ensure!(!approved, "approved what was never sent");
        Ok(())
    });
}

/// The vendor denies: an answer, not an error.
async fn denied(stand: &Stand, sent: &Sent, code: &Code) -> Outcome {
    let verdict = stand.verify(sent, code).await;
    let verdict = verdict.map_err(|error| format!("a no is an answer, not an error: {error}"))?;
    ensure!(!verdict.is_approved(), "approved");
    Ok(())
}

/// The vendor verifies these with fixed codes that are not delivered.
pub(super) fn test_recipients(cases: &mut Cases) {
    cases.add("test-recipients/are-accepted-and-get-nothing", async |bench| {
        let mut by_phone = bench.capabilities.channels.iter();
        let channel = by_phone.find(|channel| !channel.wants_email()).cloned();
        let channel =
            channel.ok_or("test recipients are telephones, and no channel reaches one")?;
        let stand = bench.start_with(channel).await;
        for number in bench.capabilities.test_recipients {
            let mut request = stand.vendor_request(None);
            let recipient: Result<Recipient, _> = number.parse();
            request.recipient = recipient.map_err(|error| format!("{number}: {error}"))?;
            stand.send(&request).await.map_err(unexpected)?;
        }
        let messages = stand.instance.delivered().await.len();
        ensure!(messages == 0, "{messages} messages went out");
        Ok(())
    });
}

pub(super) fn unclaimed(cases: &mut Cases) {
    cases.add("vendor-codes/are-refused", async |bench| {
        let stand = bench.start().await?;
        stand.unsupported(stand.send(&stand.vendor_request(None))).await
    });
    cases.add("verify/is-refused", async |bench| {
        let stand = bench.start().await?;
        // It has only digits, so it is a code.
        let code: Code = fresh_code(6).parse().map_err(|error| format!("{error}"))?;
        stand.unsupported(stand.verify(&Sent::new(), &code)).await
    });
}
