//! A panic in a spawned task ends that task and nothing else, so panics are counted where they start.

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

static SEEN: AtomicUsize = AtomicUsize::new(0);
static HOOK: Once = Once::new();

/// Runs `f`, and panics when any thread or task has panicked meanwhile.
pub(crate) fn none_during(f: impl FnOnce()) {
    HOOK.call_once(|| {
        // libFuzzer's hook aborts; it stays the first.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            SEEN.fetch_add(1, Ordering::SeqCst);
        }));
    });
    let before = SEEN.load(Ordering::SeqCst);
    f();
    assert_eq!(
        SEEN.load(Ordering::SeqCst),
        before,
        "a task of this process has panicked; see above"
    );
}
