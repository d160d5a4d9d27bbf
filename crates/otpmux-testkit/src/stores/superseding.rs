//! A newer verification supersedes an older one, and restores it if the newer one fails.

use otpmux_engine::{
    AttemptStarted, AttemptState, RETENTION, Record, RecordOutcome, State, VerificationId,
};

use super::races::all_at_once;
use super::records::{
    CODE, WRONG, after, attempt, begin, end, now, purpose, put, read, record, record_outcome,
    try_code, try_code_at,
};
use super::steps::{begin_at, cancel_at, create_at, load_at, recorded_at};
use super::{Effort, Store};

/// A verification whose call is in progress.
fn under_way(number: u32) -> Record {
    let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
    Record { send_attempts, ..record(number) }
}

async fn send(store: &Store, number: u32) -> VerificationId {
    put(&**store, under_way(number)).await
}

/// Ends it: nothing was sent.
async fn fail(store: &Store, id: VerificationId) -> State {
    let record_outcome =
        RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::NotSent)) };
    recorded_at(&**store, id, record_outcome, now()).await
}

async fn states(store: &Store, ids: &[VerificationId]) -> Vec<State> {
    let mut states = Vec::new();
    for id in ids {
        states.push(read(&**store, *id).await.state);
    }
    states
}

pub(super) async fn one_whose_newer_came_to_nothing_is_as_good_as_it_was(store: Store) {
    let old = put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, old, WRONG).await, "wrong_code");
    let before = super::whole::spelled(&read(&*store, old).await);
    for state in [AttemptState::NotSent, AttemptState::Rejected] {
        let new = send(&store, 1).await;
        assert_eq!(states(&store, &[old, new]).await, [State::Superseded, State::Pending]);
        assert_eq!(read(&*store, new).await.supersedes, Some(old));
        assert_eq!(try_code(&*store, old, CODE).await, "not_found");
        let begun = begin_at(&*store, old, begin("second"), now()).await;
        assert!(matches!(begun, AttemptStarted::Over(_)), "{begun:?}");
        let closing = RecordOutcome { close: true, ..record_outcome(end(0, state)) };
        assert_eq!(recorded_at(&*store, new, closing, now()).await, State::Closed);
        assert_eq!(super::whole::spelled(&read(&*store, old).await), before);
        assert_eq!(try_code(&*store, new, CODE).await, "not_found");
    }
    assert_eq!(begin_at(&*store, old, begin("second"), now()).await, AttemptStarted::Started(1));
    assert_eq!(try_code(&*store, old, CODE).await, "approved");
}

pub(super) async fn one_whose_newer_may_have_gone_out_stays_ended(store: Store) {
    for (number, state) in
        (1..).zip([AttemptState::Accepted, AttemptState::Unknown, AttemptState::Intended])
    {
        let old = put(&*store, record(number)).await;
        let new = send(&store, number).await;
        let record_outcome = RecordOutcome { close: true, ..record_outcome(end(0, state)) };
        assert_eq!(recorded_at(&*store, new, record_outcome, now()).await, State::Pending);
        assert_eq!(try_code(&*store, old, CODE).await, "not_found");
        assert_eq!(try_code(&*store, new, CODE).await, "approved");
    }
    // Failed, but not to be closed: another send attempt may follow.
    let old = put(&*store, record(9)).await;
    let new = send(&store, 9).await;
    recorded_at(&*store, new, record_outcome(end(0, AttemptState::NotSent)), now()).await;
    assert_eq!(states(&store, &[old, new]).await, [State::Superseded, State::Pending]);
}

pub(super) async fn of_three_the_newest_that_may_have_gone_out_is_good(store: Store) {
    use State::{Closed, Pending, Superseded};
    // The second fails first and then the third, and the other way round.
    for (number, second_first) in [(1, true), (2, false)] {
        let a = put(&*store, record(number)).await;
        let (b, c) = (send(&store, number).await, send(&store, number).await);
        if second_first {
            assert_eq!(fail(&store, b).await, Closed);
            assert_eq!(states(&store, &[a, b, c]).await, [Superseded, Closed, Pending]);
            fail(&store, c).await;
        } else {
            fail(&store, c).await;
            assert_eq!(states(&store, &[a, b, c]).await, [Superseded, Pending, Closed]);
            fail(&store, b).await;
        }
        assert_eq!(states(&store, &[a, b, c]).await, [Pending, Closed, Closed]);
        assert_eq!(try_code(&*store, a, CODE).await, "approved");
    }
    // The second was sent.
    let a = put(&*store, record(3)).await;
    let (b, c) = (send(&store, 3).await, send(&store, 3).await);
    recorded_at(&*store, b, record_outcome(end(0, AttemptState::Accepted)), now()).await;
    fail(&store, c).await;
    assert_eq!(states(&store, &[a, b, c]).await, [Superseded, Pending, Closed]);
    assert_eq!(try_code(&*store, b, CODE).await, "approved");
    // The third was sent, and a late outcome of the second changes nothing.
    let a = put(&*store, record(4)).await;
    let (b, c) = (send(&store, 4).await, send(&store, 4).await);
    recorded_at(&*store, c, record_outcome(end(0, AttemptState::Accepted)), now()).await;
    fail(&store, b).await;
    assert_eq!(states(&store, &[a, b, c]).await, [Superseded, Closed, Pending]);
    fail(&store, b).await;
    assert_eq!(try_code(&*store, c, CODE).await, "approved");
    assert_eq!(states(&store, &[a, b, c]).await, [Superseded, Closed, State::Approved]);
}

pub(super) async fn a_superseded_one_that_is_cancelled_stays_closed(store: Store) {
    let a = put(&*store, record(1)).await;
    let b = send(&store, 1).await;
    assert!(!cancel_at(&*store, a, now()).await, "it was not pending");
    fail(&store, b).await;
    assert_eq!(states(&store, &[a, b]).await, [State::Closed, State::Closed]);
    // The next verification is independent of it.
    let c = send(&store, 1).await;
    fail(&store, c).await;
    assert_eq!(try_code(&*store, a, CODE).await, "not_found");
}

/// Cancelling a newer one does not affect the older one's code, which no other has replaced.
pub(super) async fn a_newer_one_that_is_cancelled_may_still_come_to_nothing(store: Store) {
    let a = put(&*store, record(1)).await;
    let b = send(&store, 1).await;
    assert!(cancel_at(&*store, b, now()).await);
    assert_eq!(try_code(&*store, a, CODE).await, "not_found", "its message may be out");
    let c = send(&store, 1).await;
    fail(&store, c).await;
    assert_eq!(try_code(&*store, a, CODE).await, "not_found", "it may still");
    fail(&store, b).await;
    assert_eq!(try_code(&*store, a, CODE).await, "approved");
}

pub(super) async fn a_verification_that_expired_meanwhile_is_reported_as_expired(store: Store) {
    let old = Record { expires_at: after(60), ..record(1) };
    let old = put(&*store, old).await;
    let new = send(&store, 1).await;
    let closing = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::NotSent)) };
    recorded_at(&*store, new, closing.clone(), after(60)).await;
    assert_eq!(try_code_at(&*store, old, CODE, after(60)).await, "expired");
    // One whose record is gone does not come back, and does no harm.
    let short = put(&*store, Record { expires_at: after(1), ..record(2) }).await;
    let new = Record { expires_at: after(3_600), ..under_way(2) };
    let new = put(&*store, new).await;
    let gone = after(1) + RETENTION;
    recorded_at(&*store, new, closing, gone).await;
    assert!(load_at(&*store, short, gone).await.is_none());
    let next = Record { expires_at: after(3_600), ..record(2) };
    let id = next.id;
    create_at(&*store, next, &[], gone).await;
    let back = load_at(&*store, id, gone).await.expect("a record");
    assert_eq!((back.state, back.supersedes), (State::Pending, None));
}

/// With any number of failing sends, one after the other or at once.
pub(super) async fn an_outage_leaves_the_code_that_the_user_holds(store: Store, effort: Effort) {
    let old = put(&*store, record(1)).await;
    for _ in 0..40 {
        let new = send(&store, 1).await;
        assert_eq!(read(&*store, new).await.supersedes, Some(old));
        fail(&store, new).await;
    }
    assert_eq!(try_code(&*store, old, CODE).await, "approved");
    for round in 0..effort.some_rounds() {
        let old = put(&*store, record(100 + round)).await;
        let failed = all_at_once(12, |_| {
            let store = store.clone();
            async move {
                let id = send(&store, 100 + round).await;
                fail(&store, id).await
            }
        });
        assert!(failed.await.iter().all(|state| *state == State::Closed), "round {round}");
        assert_eq!(try_code(&*store, old, CODE).await, "approved", "round {round}");
    }
}

/// If the row is longer than one step follows, the next steps find the rest.
pub(super) async fn a_long_row_is_looked_through_in_several_steps(store: Store) {
    let old = put(&*store, record(1)).await;
    let mut row = Vec::new();
    for _ in 0..40 {
        row.push(send(&store, 1).await);
    }
    let newest = row.pop().expect("a newest");
    for id in row {
        fail(&store, id).await;
    }
    fail(&store, newest).await;
    let mut again = 0;
    while read(&*store, old).await.state == State::Superseded {
        fail(&store, newest).await;
        again += 1;
        assert!(again < 4, "it never comes back");
    }
    assert_eq!(try_code(&*store, old, CODE).await, "approved");
}

pub(super) async fn recipients_and_purposes_keep_apart(store: Store) {
    let other = Record { purpose: purpose("payment"), ..record(1) };
    let others = [put(&*store, other).await, put(&*store, record(2)).await];
    let old = put(&*store, record(1)).await;
    let new = send(&store, 1).await;
    assert_eq!(states(&store, &others).await, [State::Pending; 2]);
    fail(&store, new).await;
    for id in [others[0], others[1], old] {
        assert_eq!(try_code(&*store, id, CODE).await, "approved");
    }
}
