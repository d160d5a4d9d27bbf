use std::pin::Pin;

use tokio::task::JoinHandle;

/// Starts a task in the background. Boxed, so that tokio has one type of task: it compiles 5,000 lines
/// for each.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
    tokio::spawn(task)
}
