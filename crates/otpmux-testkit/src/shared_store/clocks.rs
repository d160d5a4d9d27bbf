//! Processes with different clocks use the server's.
#![expect(clippy::unwrap_used, reason = "a test that fails must panic")]

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::Verdict;
use otpmux_engine::{NewVerification, OtpClient, Policy, VerificationStore};

use super::{code, keys, now, provider, recipient};
use crate::{LogCapture, ManualClock, ScriptedProvider};

const MINUTE: Duration = Duration::from_mins(1);
const TWO_HOURS: Duration = Duration::from_hours(2);

/// A process whose clock shows this time.
fn process(
    store: &Arc<dyn VerificationStore>,
    vendor: &Arc<ScriptedProvider>,
    clock: &Arc<ManualClock>,
) -> OtpClient {
    let builder = OtpClient::builder().provider(vendor.port()).policy(Policy::default());
    builder
        .store(Arc::clone(store), keys().clone())
        .clock(Arc::<ManualClock>::clone(clock))
        .build()
        .unwrap()
}

/// A process whose clock is slow approves no code that has expired.
pub async fn a_slow_clock_approves_no_expired_code(store: &Arc<dyn VerificationStore>) {
    let vendor = provider("primary");
    let right = Arc::new(ManualClock::new(now()));
    let slow = Arc::new(ManualClock::new(now() - 6 * MINUTE));
    let (here, there) = (process(store, &vendor, &right), process(store, &vendor, &slow));
    let sent = here.send(NewVerification::to(recipient(1))).await.unwrap();
    assert!(!there.verify(sent.id, &code("000000")).await.unwrap().is_approved());
    for clock in [&right, &slow] {
        clock.advance(5 * MINUTE + Duration::from_secs(2));
    }
    let typed = code(vendor.otpmux_codes().last().unwrap());
    assert_eq!(there.verify(sent.id, &typed).await.unwrap(), Verdict::Expired);
    assert_eq!(here.verify(sent.id, &typed).await.unwrap(), Verdict::Expired);
}

/// A process whose clock is fast blocks no user at another one.
pub async fn a_fast_clock_blocks_no_user_elsewhere(store: &Arc<dyn VerificationStore>) {
    let vendor = provider("primary");
    let right = Arc::new(ManualClock::new(now()));
    let fast = Arc::new(ManualClock::new(now() + TWO_HOURS));
    let (here, there) = (process(store, &vendor, &right), process(store, &vendor, &fast));
    // Its limit allows two a minute.
    for _ in 0..2 {
        there.send(NewVerification::to(recipient(1))).await.unwrap();
    }
    let limited = here.send(NewVerification::to(recipient(1))).await.unwrap_err();
    assert!(limited.retry_after().unwrap() <= MINUTE, "{:?}", limited.retry_after());
    right.advance(MINUTE + Duration::from_secs(2));
    let sent = here.send(NewVerification::to(recipient(1))).await.unwrap();
    let left = sent.expires_at.duration_since(now()).unwrap();
    assert!(left < 7 * MINUTE, "{left:?}");
}

/// A clock that is wrong is reported once.
pub async fn a_wrong_clock_is_reported_once(store: &Arc<dyn VerificationStore>) {
    let vendor = provider("primary");
    let logs = LogCapture::new();
    let _logging = logs.install_scoped();
    let slow = Arc::new(ManualClock::new(now() - 6 * MINUTE));
    let client = process(store, &vendor, &slow);
    for _ in 0..3 {
        client.ready().await.unwrap();
    }
    assert_eq!(logs.text().matches("clock is not the store's").count(), 1, "{}", logs.text());
}
