//! One clock for the gateway and the emulated vendors, which the handset page can advance.

use std::time::SystemTime;

use otpmux::provider::Clock;
use otpmux_emulator::{Emulator, EmulatorClock};

#[derive(Debug)]
pub(super) struct SharedClock(EmulatorClock);

impl SharedClock {
    pub(super) fn of(emulator: &Emulator) -> Self {
        Self(emulator.clock())
    }
}

impl Clock for SharedClock {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}
