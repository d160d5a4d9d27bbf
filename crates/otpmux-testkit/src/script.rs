use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otpmux_core::{Context, Error};
use tokio::sync::watch;

type Standing<Q, A> = Arc<dyn Fn(&Context, &Q) -> Result<A, Error> + Send + Sync>;

/// Returns the duration of the call with this number, counted from 0.
type Latency = Box<dyn Fn(usize) -> Duration + Send + Sync>;

/// Script of one call of a [`ScriptedProvider`](crate::ScriptedProvider): its answers, and the
/// received requests.
///
/// All methods take `&self`, so a test can change the script after it has handed over the provider.
pub struct Script<Q, A> {
    queue: Mutex<VecDeque<Turn<A>>>,
    standing: Mutex<Standing<Q, A>>,
    latency: Mutex<Option<Latency>>,
    calls: watch::Sender<Vec<(Context, Q)>>,
}

struct Turn<A> {
    after: Duration,
    answer: Option<Result<A, Error>>,
}

impl<Q: Clone, A> Script<Q, A> {
    pub(crate) fn new(
        standing: impl Fn(&Context, &Q) -> Result<A, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            queue: Mutex::default(),
            standing: Mutex::new(Arc::new(standing)),
            latency: Mutex::default(),
            calls: watch::Sender::new(Vec::new()),
        }
    }

    /// Queues an answer to one call.
    pub fn answer(&self, answer: Result<A, Error>) {
        self.answer_after(Duration::ZERO, answer);
    }

    /// Queues a delayed answer, by tokio's clock.
    pub fn answer_after(&self, after: Duration, answer: Result<A, Error>) {
        let answer = Some(answer);
        lock(&self.queue).push_back(Turn { after, answer });
    }

    /// Queues a call that never ends.
    pub fn hang(&self) {
        lock(&self.queue).push_back(Turn { after: Duration::ZERO, answer: None });
    }

    /// Sets the answer to all calls for which nothing is queued.
    pub fn always(
        &self,
        standing: impl Fn(&Context, &Q) -> Result<A, Error> + Send + Sync + 'static,
    ) {
        *lock(&self.standing) = Arc::new(standing);
    }

    /// Delays the calls for which nothing is queued, by tokio's clock: by the result of this
    /// function for the number of the call, counted from 0.
    pub fn takes(&self, latency: impl Fn(usize) -> Duration + Send + Sync + 'static) {
        *lock(&self.latency) = Some(Box::new(latency));
    }

    /// Returns how many calls came, including those that hang or were dropped.
    pub fn count(&self) -> usize {
        self.calls.borrow().len()
    }

    /// Returns the requests, in order.
    pub fn requests(&self) -> Vec<Q> {
        let calls = self.calls.borrow();
        calls.iter().map(|(_, request)| request.clone()).collect()
    }

    /// Returns the contexts, in order.
    pub fn contexts(&self) -> Vec<Context> {
        let calls = self.calls.borrow();
        calls.iter().map(|(cx, _)| cx.clone()).collect()
    }

    /// Waits until this many calls have come.
    pub async fn called(&self, times: usize) {
        // The sender is in `self`, so waiting cannot fail.
        let _ = self.calls.subscribe().wait_for(|calls| calls.len() >= times).await;
    }

    pub(crate) async fn play(&self, cx: &Context, request: &Q) -> Result<A, Error> {
        let entry = (cx.clone(), request.clone());
        let turn = lock(&self.queue).pop_front();
        let mut number = 0;
        self.calls.send_modify(|calls| {
            number = calls.len();
            calls.push(entry);
        });
        match turn {
            Some(Turn { after, answer: Some(answer) }) => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                answer
            }
            Some(Turn { answer: None, .. }) => std::future::pending().await,
            None => {
                let latency = lock(&self.latency).as_ref().map(|latency| latency(number));
                if let Some(latency) = latency {
                    tokio::time::sleep(latency).await;
                }
                let standing = Arc::clone(&lock(&self.standing));
                standing(cx, request)
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Q, A> fmt::Debug for Script<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} calls)", self.calls.borrow().len())
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::IdempotencyKey;
    use tokio::time::{Instant, timeout};

    use super::*;

    fn cx() -> Context {
        Context::new(IdempotencyKey::from_random([1; 16]))
    }

    #[tokio::test(start_paused = true)]
    async fn plays_the_queue_then_the_standing_answer() {
        let script: Script<u8, u8> = Script::new(|_, request| Ok(request + 1));
        script.answer(Ok(7));
        script.answer_after(Duration::from_secs(9), Ok(8));
        script.hang();
        let begun = Instant::now();
        assert_eq!(script.play(&cx(), &1).await.unwrap(), 7);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(script.play(&cx(), &1).await.unwrap(), 8);
        assert_eq!(begun.elapsed(), Duration::from_secs(9));
        let hung = timeout(Duration::from_hours(1), script.play(&cx(), &1)).await;
        assert!(hung.is_err());
        assert_eq!(script.play(&cx(), &1).await.unwrap(), 2);
        script.always(|_, _| Ok(0));
        assert_eq!(script.play(&cx(), &1).await.unwrap(), 0);
        script.called(5).await;
        assert_eq!((script.count(), script.contexts().len()), (5, 5));
        script.takes(|number| Duration::from_secs(u64::try_from(number).unwrap()));
        let begun = Instant::now();
        assert_eq!(script.play(&cx(), &1).await.unwrap(), 0);
        assert_eq!(begun.elapsed(), Duration::from_secs(5), "the sixth call");
        assert_eq!(script.requests(), [1; 6]);
    }
}
