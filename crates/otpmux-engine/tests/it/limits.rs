use std::sync::Arc;

use otpmux_core::{ErrorKind, Recipient};
use otpmux_engine::{MemoryStore, NewVerification, VerificationStore};

use crate::world::{builder, carrier, keys, lenient};

fn number(n: usize) -> NewVerification {
    let to: Recipient = format!("+9198765{n:05}").parse().unwrap();
    NewVerification::to(to)
}

/// A flood of sends is refused rather than allowed to push live verifications out.
#[tokio::test]
async fn the_memory_store_is_bounded_and_gives_up_nobody() {
    let provider = carrier("a");
    let (store, clock) = (Arc::new(MemoryStore::new(10)), Arc::default());
    let shared: Arc<dyn VerificationStore> = Arc::<MemoryStore>::clone(&store);
    let client = builder(&[&provider], lenient(), &clock).store(shared, keys()).build().unwrap();
    let first = client.send(number(0)).await.unwrap();
    for n in 1..10 {
        client.send(number(n)).await.unwrap();
    }
    let error = client.send(number(10)).await.unwrap_err();
    assert_eq!((error.kind(), provider.count()), (ErrorKind::Store, 10));
    let code = provider.supplied_codes()[0].parse().unwrap();
    assert!(client.verify(first.id, &code).await.unwrap().is_approved());

    clock.advance(std::time::Duration::from_mins(15));
    client.send(number(11)).await.unwrap();
    assert_eq!(store.len(), 1, "what has expired makes room");
}
