//! The contract of [`VerificationStore`], as trials that every store must pass.
//!
//! ```no_run
//! use std::sync::Arc;
//! use otpmux_engine::{MemoryStore, VerificationStore};
//!
//! let trials = otpmux_testkit::stores::suite("memory", || async {
//!     Arc::new(MemoryStore::new(1_000)) as Arc<dyn VerificationStore>
//! });
//! libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
//! ```
#![expect(clippy::expect_used, clippy::panic, reason = "a trial that fails must panic")]

mod attempts;
mod legs;
mod life;
mod races;
mod records;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::Trial;
use otpmux_engine::VerificationStore;

type Store = Arc<dyn VerificationStore>;
type Body = fn(Store) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! trials {
    ($($module:ident :: $name:ident),* $(,)?) => {
        [$((stringify!($name), (|store| Box::pin($module::$name(store))) as Body)),*]
    };
}

/// The trials for a store; `open` gives a fresh and empty one each time.
pub fn suite<F, Opened>(name: &str, open: F) -> Vec<Trial>
where
    F: Fn() -> Opened + Clone + Send + Sync + 'static,
    Opened: Future<Output = Store> + Send,
{
    let trials = trials![
        life::a_record_comes_back_as_it_went_in,
        life::a_new_one_closes_the_older_of_its_recipient_and_purpose,
        life::an_approved_one_is_not_touched_by_a_new_one,
        life::expiry_is_exact_for_every_step,
        life::cancelling_closes_once,
        life::an_unknown_id_is_not_found,
        attempts::the_right_code_is_approved_once,
        attempts::wrong_codes_count_down_to_the_lock,
        attempts::a_code_that_is_not_out_lets_nobody_in,
        attempts::a_vendors_code_is_left_to_its_vendor_and_counted,
        attempts::a_vendors_approval_is_consumed_once,
        attempts::a_code_is_compared_under_the_key_that_signed_it,
        attempts::another_recipient_or_purpose_finds_nothing,
        attempts::another_verifications_code_is_wrong,
        legs::a_leg_is_settled_and_the_next_begun_in_one_step,
        legs::what_is_over_begins_no_leg_but_settles_the_last,
        legs::settling_can_close,
        legs::settling_keeps_a_reference_that_it_does_not_replace,
        legs::a_resend_obeys_its_terms,
        legs::a_locked_one_is_not_sent_again,
        races::of_many_right_codes_one_is_approved,
        races::of_many_wrong_codes_the_cap_is_compared,
        races::of_many_vendors_approvals_one_counts,
        races::of_many_resends_one_begins,
        races::of_many_creations_one_stays_live,
    ];
    let trial = |(trial, body): (&str, Body)| {
        let open = open.clone();
        Trial::test(format!("{name}::{trial}"), move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(4)
                .enable_all()
                .build()?;
            runtime.block_on(async { body(open().await).await });
            Ok(())
        })
    };
    trials.into_iter().map(trial).collect()
}
