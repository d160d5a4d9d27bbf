//! The store on real files: the contract that all stores share, processes that are killed or race,
//! what is on the disk, and failing disks.
//!
//! One program, since some trials start it again as another process, which plays a part in them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up must stop, and one that fails too"
)]

mod crash;
mod escalation;
mod failures;
mod home;
mod opening;
mod parts;
mod races;
mod scan;
mod sweep;
mod ttl;

use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use otpmux_engine::VerificationStore;
use otpmux_sqlite::{Options, SqliteStore};
use otpmux_testkit::stores::{self, Effort};

use home::Home;

type Body = fn() -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! trials {
    ($($module:ident :: $name:ident),* $(,)?) => {
        [$((
            concat!(stringify!($module), "::", stringify!($name)),
            (|| Box::pin($module::$name())) as Body,
        )),*]
    };
}

fn main() {
    if parts::play() {
        return;
    }
    let homes = Home::new();
    let open = |options: Options| {
        let root = homes.dir().to_owned();
        move || {
            let (home, options) = (Home::within(&root), options.clone());
            async move {
                let store = SqliteStore::open(home.keep(), options).unwrap();
                Arc::new(store) as Arc<dyn VerificationStore>
            }
        }
    };
    let mut trials = stores::suite("sqlite", open(home::quick()));
    trials.extend(stores::suite_with("power", Effort::Quick, open(Options::default())));
    let own = trials![
        crash::answered_steps_survive_kill_9,
        escalation::of_many_processes_on_one_file_each_step_begins_once,
        failures::a_lock_that_stays_is_reported_and_costs_nothing,
        failures::a_disk_that_fails_is_reported_and_costs_nothing,
        failures::a_full_file_refuses_new_ones_only,
        failures::a_row_that_cannot_be_read_is_reported,
        ttl::everything_is_there_after_a_restart,
        ttl::queued_steps_are_done_when_the_store_is_dropped,
        ttl::a_dropped_call_harms_no_other,
        opening::a_file_that_is_not_ours_is_refused_and_left_alone,
        opening::another_version_is_refused_and_left_as_it_is,
        opening::other_tables_are_refused_whatever_version_they_claim,
        opening::a_failure_to_open_says_what_to_do,
        opening::only_its_owner_can_read_it,
        opening::many_processes_open_a_new_file_at_once,
        opening::debug_shows_no_content,
        races::of_right_guesses_in_two_processes_one_is_approved,
        races::of_wrong_guesses_in_two_processes_the_cap_is_compared,
        races::of_one_request_in_two_processes_one_is_made,
        races::a_busy_process_does_not_starve_another,
        scan::no_code_and_no_recipient_is_on_the_disk,
        scan::removed_data_is_overwritten,
        sweep::after_the_longest_time_nothing_is_left,
        sweep::old_rows_go_a_few_at_a_time,
        sweep::hits_go_though_their_key_is_in_use,
        sweep::the_file_does_not_grow,
    ];
    trials.extend(own.map(|(name, body)| {
        Trial::test(name, move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            runtime.worker_threads(4).enable_all().build()?.block_on(body());
            Ok(())
        })
    }));
    let done = libtest_mimic::run(&Arguments::from_args(), trials);
    drop(homes);
    done.exit();
}
