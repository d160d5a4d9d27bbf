//! The contract of [`VerificationStore`], as trials that every store must pass.
//!
//! ```no_run
//! use std::sync::Arc;
//! use otpmux_engine::{MemoryStore, VerificationStore};
//!
//! let trials = otpmux_testkit::stores::suite("memory", || async {
//!     Arc::new(MemoryStore::new(10_000)) as Arc<dyn VerificationStore>
//! });
//! libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
//! ```
//!
//! A store needs room for 10,000 verifications. Each trial sets the time: it is stopped, or runs
//! for days. So a store must not remove a record by its own clock before the record has expired by
//! the trial's time.
#![expect(clippy::expect_used, clippy::panic, reason = "a trial that fails must panic")]

mod checks;
mod counted_attempts;
mod crowds;
mod deliveries;
mod dice;
mod due;
mod events;
mod expiry;
mod guesses;
mod health;
mod history;
mod life;
mod limits;
mod lost;
mod mailboxes;
mod model;
mod naive;
mod named;
mod named_guesses;
mod races;
mod receipts;
mod records;
mod repeats;
mod selected;
mod send_attempts;
mod standing;
mod steps;
mod superseding;
mod walks;
mod whole;
mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::Trial;
use otpmux_engine::VerificationStore;

type Store = Arc<dyn VerificationStore>;
type Body = fn(Store, Effort) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// How often the trials repeat cases that depend on chance: races and random walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effort {
    /// As often as the contract requires: 1,000 rounds of the races for a code. About 200,000 steps
    /// in all: ten seconds for the memory store, a minute or two for a store on a disk or a
    /// network.
    Full,
    /// Enough to find plain errors, for a store whose steps are slow.
    Quick,
}

impl Effort {
    /// Rounds of the most important races.
    fn rounds(self) -> u32 {
        match self {
            Self::Full => 1_000,
            Self::Quick => 20,
        }
    }

    /// Rounds of all other races.
    fn some_rounds(self) -> u32 {
        match self {
            Self::Full => 100,
            Self::Quick => 5,
        }
    }

    /// Random walks of some hundred steps, each with a different seed.
    fn walks(self) -> u32 {
        match self {
            Self::Full => 6,
            Self::Quick => 2,
        }
    }
}

macro_rules! trials {
    (@body $module:ident $name:ident) => {
        |store, _| Box::pin($module::$name(store))
    };
    (@body $module:ident $name:ident $effort:ident) => {
        |store, $effort| Box::pin($module::$name(store, $effort))
    };
    ($($module:ident :: $name:ident $(($effort:ident))?),* $(,)?) => {
        [$((stringify!($name), (trials!(@body $module $name $($effort)?)) as Body)),*]
    };
}

/// Returns the trials for a store with [full](Effort::Full) effort; `open` returns a new, empty
/// store each time.
pub fn suite<F, Opened>(name: &str, open: F) -> Vec<Trial>
where
    F: Fn() -> Opened + Clone + Send + Sync + 'static,
    Opened: Future<Output = Store> + Send,
{
    suite_with(name, Effort::Full, open)
}

/// Returns the trials for a store, with this effort.
pub fn suite_with<F, Opened>(name: &str, effort: Effort, open: F) -> Vec<Trial>
where
    F: Fn() -> Opened + Clone + Send + Sync + 'static,
    Opened: Future<Output = Store> + Send,
{
    let trial = |(trial, body): (&str, Body)| {
        let open = open.clone();
        let of_events = trials_of_events().iter().any(|(name, _)| *name == trial);
        Trial::test(format!("{name}::{trial}"), move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(4)
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let store = open().await;
                // A store without an outbox has no events, and says so to clients.
                if store.outbox().is_some() || !of_events {
                    body(store, effort).await;
                }
            });
            Ok(())
        })
    };
    trials().into_iter().map(trial).collect()
}

fn trials() -> Vec<(&'static str, Body)> {
    [
        trials_of_records(),
        trials_of_receipts(),
        trials_of_due(),
        trials_of_counts(),
        trials_of_selections(),
        trials_of_events(),
        trials_of_many(),
    ]
    .concat()
}

fn trials_of_records() -> Vec<(&'static str, Body)> {
    trials![
        whole::a_record_comes_back_as_it_went_in,
        whole::every_text_comes_back_as_it_went_in,
        whole::every_byte_comes_back_as_it_went_in,
        whole::every_failure_comes_back_as_it_went_in,
        whole::an_ended_record_comes_back_as_it_was,
        life::a_new_one_closes_the_older_of_its_recipient_and_purpose,
        life::an_approved_one_is_not_touched_by_a_new_one,
        life::cancelling_closes_once,
        life::an_unknown_id_is_not_found,
        expiry::expiry_is_exact_for_every_step,
        expiry::a_late_guess_gets_expired_until_the_record_is_gone,
        expiry::one_that_has_expired_is_not_superseded,
        expiry::an_ending_record_removes_no_other,
        expiry::purposes_end_each_by_itself,
        superseding::one_whose_newer_came_to_nothing_is_as_good_as_it_was,
        superseding::one_whose_newer_may_have_gone_out_stays_ended,
        superseding::of_three_the_newest_that_may_have_gone_out_is_good,
        superseding::a_superseded_one_that_is_cancelled_stays_closed,
        superseding::a_newer_one_that_is_cancelled_may_still_come_to_nothing,
        superseding::a_verification_that_expired_meanwhile_is_reported_as_expired,
        superseding::an_outage_leaves_the_code_that_the_user_holds(effort),
        superseding::a_long_row_is_looked_through_in_several_steps,
        superseding::recipients_and_purposes_keep_apart,
        repeats::a_repeat_returns_the_live_one_and_changes_nothing,
        repeats::an_ended_request_is_not_repeated,
        repeats::one_that_was_restored_is_repeated,
        repeats::a_name_comes_before_the_live_one,
        deliveries::a_delivery_takes_no_place_and_gives_none,
        deliveries::no_guess_finds_a_delivery,
        deliveries::a_delivery_is_sent_again_and_ended,
        deliveries::a_delivery_is_gone_when_it_expires,
        lost::a_creation_that_was_carried_out_is_settled_as_not_sent,
        lost::a_creation_that_was_given_up_is_not_carried_out_later,
        lost::a_refund_of_a_creation_that_never_was_takes_nothing_from_others,
        lost::a_attempt_that_was_begun_and_given_up_is_not_sent,
        lost::a_attempt_that_was_given_up_is_not_begun_later,
        lost::a_send_whose_next_attempt_was_lost_comes_to_nothing,
        checks::the_right_code_is_approved_once,
        checks::wrong_codes_count_down_to_the_lock,
        checks::a_code_that_was_not_sent_approves_nothing,
        checks::a_vendors_code_is_left_to_its_vendor_and_counted,
        checks::a_vendors_approval_is_consumed_once,
        checks::a_code_is_compared_under_the_key_that_signed_it,
        checks::another_recipient_or_purpose_finds_nothing,
        checks::another_verifications_code_is_wrong,
        send_attempts::a_attempt_is_settled_and_the_next_begun_in_one_step,
        send_attempts::an_ended_verification_begins_no_attempt_but_settles_the_last,
        send_attempts::settling_can_close,
        send_attempts::many_accepted_attempts_are_recorded_at_once,
        send_attempts::settling_keeps_a_reference_that_it_does_not_replace,
        send_attempts::settling_keeps_a_vendors_terms_that_it_does_not_replace,
        send_attempts::a_resend_obeys_its_terms,
        send_attempts::a_locked_one_is_not_sent_again,
        history::skips_come_back_in_order,
        history::attempts_come_back_as_they_were_begun,
        history::several_attempts_end_in_one_step,
        history::an_end_says_why,
    ]
    .to_vec()
}

fn trials_of_receipts() -> Vec<(&'static str, Body)> {
    trials![
        receipts::a_receipt_marks_its_attempt_and_nothing_else,
        receipts::receipts_end_alike_in_every_order_and_number,
        receipts::a_repeat_changes_nothing,
        receipts::a_receipt_settles_an_attempt_without_a_known_outcome,
        receipts::a_lost_answer_takes_nothing_back_from_a_receipt,
        receipts::a_failed_delivery_takes_no_code_back,
        receipts::receipts_are_taken_in_every_state,
        receipts::a_missing_verification_takes_no_receipt,
        receipts::a_late_receipt_finds_a_record_until_its_retention_has_passed,
        receipts::a_reference_finds_its_attempt,
        receipts::a_reference_lives_as_long_as_its_record,
        receipts::a_receipt_that_comes_before_its_reference_is_taken_by_the_outcome,
        receipts::of_early_receipts_the_strongest_counts,
        receipts::an_early_receipt_waits_for_a_minute,
        receipts::of_many_receipts_the_strongest_stays(effort),
    ]
    .to_vec()
}

fn trials_of_due() -> Vec<(&'static str, Body)> {
    trials![
        due::what_is_due_is_returned_in_order_and_leased,
        due::a_due_time_comes_back_as_it_went_in,
        due::an_end_takes_a_verification_out,
        due::an_end_that_is_watched_is_due_at_the_expiry,
        due::a_step_begins_once_and_moves_the_time,
        due::no_step_begins_once_the_user_has_done_anything,
        due::a_step_without_room_does_not_begin,
        due::a_time_is_changed_unless_another_step_came_first,
        due::one_whose_retention_has_passed_is_not_due,
        due::of_many_processes_one_takes_each(effort),
        due::of_many_processes_one_begins_a_step(effort),
    ]
    .to_vec()
}

fn trials_of_counts() -> Vec<(&'static str, Body)> {
    trials![
        limits::a_window_slides,
        limits::the_longest_wait_is_reported,
        limits::a_refused_send_is_not_counted,
        limits::a_refused_send_is_not_written,
        limits::scopes_and_keys_do_not_mix,
        limits::many_keys_are_counted_each_by_itself,
        limits::a_large_count_is_exact,
        limits::a_refund_takes_back_one_hit_of_its_time,
        limits::refunds_of_several_limits_go_in_one_step,
        limits::a_repeated_refund_is_made_once,
        limits::a_refund_goes_with_what_else_is_recorded,
        counted_attempts::a_attempt_without_room_is_not_begun_but_all_else_is_written,
        counted_attempts::a_resend_without_room_uses_none_up,
        counted_attempts::only_a_attempt_that_is_begun_counts,
        counted_attempts::an_end_is_reported_before_a_full_count,
        guesses::guesses_count_over_all_verifications_of_a_recipient,
        guesses::guesses_outlive_their_verification,
        guesses::an_approval_empties_the_windows_of_guesses,
        guesses::another_recipients_guesses_are_their_own,
        guesses::a_guess_that_looks_at_no_code_counts_nothing,
        guesses::guesses_at_a_vendors_code_count,
        guesses::guesses_and_messages_do_not_mix,
        guesses::a_guess_without_windows_counts_nowhere,
        named_guesses::a_guess_said_twice_is_counted_once,
        named_guesses::a_guess_that_was_not_counted_keeps_no_name,
        named_guesses::names_of_guesses_belong_to_their_verification,
        named_guesses::a_repeat_asks_the_vendor_again_and_counts_nothing,
        named_guesses::a_guess_that_was_not_compared_is_given_back,
        named_guesses::after_an_approval_nothing_is_given_back,
        named_guesses::the_last_call_without_a_verdict_gives_back,
        named_guesses::guessers_have_windows_of_their_own_within_the_total,
        named_guesses::an_approval_empties_its_own_windows_and_not_the_total,
        named_guesses::of_many_repeats_of_a_guess_one_counts(effort),
        walks::limits_answer_as_a_naive_count_does(effort),
        walks::guesses_answer_as_a_naive_count_does(effort),
        mailboxes::spellings_of_a_mailbox_close_each_other,
        mailboxes::spellings_of_a_mailbox_share_their_limits,
        mailboxes::the_expected_recipient_is_certainly_the_same_mailbox,
        named::a_request_said_twice_is_made_once,
        named::other_content_under_a_key_is_reported,
        named::a_repeat_limit_hits_no_limit,
        named::a_request_that_came_to_nothing_frees_its_name,
        named::a_request_that_may_have_sent_keeps_its_name,
        named::a_name_is_good_as_long_as_its_record,
        named::a_name_that_was_given_on_outlives_its_first_record,
        named::names_do_not_mix,
        health::updates_come_back_as_they_went_in,
        health::the_newest_update_of_a_provider_counts,
        health::each_process_has_a_update_of_its_own,
        health::of_too_many_processes_those_that_tell_last_are_kept,
        health::updates_fade,
        health::health_updates_travel_with_every_attempt,
        health::health_updates_travel_with_every_settling,
        standing::the_first_key_of_an_id_counts,
        standing::a_probe_writes_beside_everything_else,
    ]
    .to_vec()
}

fn trials_of_selections() -> Vec<(&'static str, Body)> {
    trials![
        selected::the_newest_of_a_recipient_is_selected,
        selected::what_is_over_gets_its_verdict_by_recipient,
        selected::one_whose_newer_failed_is_selected_again,
        selected::another_recipient_or_purpose_selects_nothing_of_it,
        selected::a_code_is_bound_to_its_recipient_and_purpose,
        selected::a_recipient_is_selected_in_every_certain_spelling,
        selected::windows_count_a_guess_by_recipient_as_one_by_id,
        selected::a_vendors_code_is_asked_for_by_recipient,
        selected::a_name_stays_with_the_verification_of_its_guess,
        selected::under_two_server_keys_the_newest_is_selected,
        selected::an_external_id_selects_its_verification,
        selected::an_external_id_is_taken_while_its_verification_is_known,
        selected::an_external_id_is_released_if_nothing_was_sent,
        selected::of_many_right_codes_by_any_selection_one_is_approved(effort),
        selected::of_many_wrong_codes_by_any_selection_the_cap_is_compared(effort),
        selected::of_many_creations_with_one_external_id_one_is_made(effort),
    ]
    .to_vec()
}

fn trials_of_events() -> Vec<(&'static str, Body)> {
    trials![
        events::every_step_writes_the_event_that_it_makes_true,
        events::a_message_that_did_not_arrive_is_reported_once,
        events::each_endpoint_gets_its_types_and_the_newest_facts,
        events::a_refused_step_writes_no_event,
        events::a_due_event_is_leased_and_comes_again,
        events::only_an_event_that_waits_can_be_ended,
        events::many_events_end_in_one_call,
        events::of_many_who_end_the_same_events_each_ends_once,
        events::an_endpoint_is_paused_for_all,
        events::an_event_that_many_notice_is_written_once,
        events::waiting_events_are_read_oldest_first,
    ]
    .to_vec()
}

fn trials_of_many() -> Vec<(&'static str, Body)> {
    trials![
        races::of_many_right_codes_one_is_approved(effort),
        races::of_many_wrong_codes_the_cap_is_compared(effort),
        races::of_many_vendors_approvals_one_counts(effort),
        races::of_many_resends_one_begins(effort),
        races::of_many_creations_one_stays_live(effort),
        repeats::of_sends_at_once_one_creates(effort),
        races::of_an_approval_and_a_cancellation_one_wins(effort),
        crowds::of_many_limit_hits_the_count_is_admitted(effort),
        crowds::of_many_refunds_each_takes_one_back(effort),
        crowds::of_many_requests_of_one_name_one_is_made(effort),
        crowds::of_many_guesses_at_a_recipient_the_windows_count_is_compared(effort),
        crowds::of_many_changes_to_one_record_none_is_lost(effort),
        crowds::of_a_new_attempt_and_a_closing_one_comes_first(effort),
        crowds::of_many_updates_the_newest_stays(effort),
        model::random_steps_are_answered_as_by_the_memory_store(effort),
    ]
    .to_vec()
}
