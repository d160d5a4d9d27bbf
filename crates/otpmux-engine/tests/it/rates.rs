//! Counts of each provider's messages within the last hour.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Capabilities, Channel, Clock as _, Correlation, Delivery, ProviderId, Receipt, ReceiptRequest,
    ReceiptTrust, Receipts,
};
use otpmux_engine::{LastHour, NewVerification, OtpClient};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{builder, carrier, down, lenient, phone};

fn hours(client: &OtpClient) -> Vec<LastHour> {
    client.providers().iter().map(otpmux_engine::ProviderView::last_hour).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_are_counted_by_the_provider_that_sent_them() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let b = carrier("b");
    let clock = Arc::new(ManualClock::default());
    let client = builder(&[&a, &b], lenient(), &clock)
        .receipt_url("https://otp.example.com/v1/receipts")
        .build()
        .unwrap();
    // The first goes by `a`; the second by `b`, because `a` is down.
    client.send(NewVerification::to(phone())).await.unwrap();
    let token = a.sends.contexts()[0].receipt.clone().unwrap().token;
    a.sends.answer(Err(down()));
    let sent = client.send(NewVerification::to(phone())).await.unwrap();
    for _ in 0..2 {
        let receipt = Receipt::new(Correlation::Token(token.clone()), Delivery::Delivered);
        a.receipts.answer(Ok(Receipts::new([receipt])));
        let request = ReceiptRequest {
            method: "POST",
            url: "https://otp.example.com/v1/receipts/a",
            headers: &[],
            body: b"{}",
            at: clock.now(),
        };
        client.receive(&ProviderId::new("a").unwrap(), &request).await.unwrap();
    }
    let [of_a, of_b] = hours(&client)[..] else { panic!("two providers") };
    assert_eq!((of_a.accepted, of_a.delivered, of_a.approved), (1, Some(1), None));
    assert_eq!((of_b.accepted, of_b.delivered, of_b.approved), (1, None, None));
    assert_eq!(of_a.delivery_rate(), Some(1.0), "a repeat is not counted");

    // Approvals only where they are asked for.
    client.count_approvals(true);
    let code = b.otpmux_codes().remove(0).parse().unwrap();
    assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
    // The count is made after the answer; time is virtual.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let [of_a, of_b] = hours(&client)[..] else { panic!("two providers") };
    assert_eq!((of_a.approved, of_b.approved), (Some(0), Some(1)));
    assert_eq!(of_b.approval_rate(), Some(1.0));
    clock.advance(Duration::from_hours(1));
    let [of_a, of_b] = hours(&client)[..] else { panic!("two providers") };
    assert_eq!((of_a.accepted, of_b.approved), (0, Some(0)));
    assert_eq!(of_b.approval_rate(), None);
}
