// The times of the page: the emulator's, and the gateway's.

let clock = { frozen_at: null, advanced: 0, shared: false };

export function setClock(setting) {
  clock = setting;
}

/** The emulator's time. */
export function now() {
  return (clock.frozen_at ? Date.parse(clock.frozen_at) : Date.now()) + clock.advanced;
}

/** The gateway's time: the emulator's, where both go by one clock. */
export function gatewayNow() {
  return clock.shared ? now() : Date.now();
}
