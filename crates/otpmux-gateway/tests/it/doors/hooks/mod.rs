//! Hooks: what each caller sends is delivered, and what is not its own is refused in its form.

mod callers;
mod deliveries;
mod hostile;
mod one_kind;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::world::number;
use callers::Caller;

/// A name that no request had before.
fn fresh() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("00000000-0000-4000-8000-{:012}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A recipient that no request had before.
fn recipient(caller: &Caller) -> String {
    if caller.mails() { format!("user-{}@example.com", fresh()) } else { number() }
}
