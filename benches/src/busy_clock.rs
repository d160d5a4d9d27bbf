use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use otpmux_core::Clock;

/// Clock that advances by a tenth of a second at each call, so that verifications expire as new
/// ones come: the store holds some thousands at any time, as in a busy service.
#[derive(Debug, Default)]
pub struct BusyClock(AtomicU64);

impl Clock for BusyClock {
    fn now(&self) -> SystemTime {
        let looks = self.0.fetch_add(1, Ordering::Relaxed);
        SystemTime::UNIX_EPOCH + Duration::from_millis(100 * looks)
    }
}
