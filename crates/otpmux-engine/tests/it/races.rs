//! Many tasks on many threads against one store.

use std::sync::Arc;

use otpmux_core::{Code, Verdict};

use crate::world::{World, carrier, vendor, wrong};

async fn verdicts(
    world: &Arc<World>,
    id: otpmux_engine::VerificationId,
    codes: Vec<String>,
) -> Vec<Verdict> {
    let tasks: Vec<_> = codes
        .into_iter()
        .map(|code| {
            let (client, code) = (world.client.clone(), code.parse::<Code>().unwrap());
            tokio::spawn(async move { client.verify(id, &code).await.unwrap() })
        })
        .collect();
    let mut verdicts = Vec::new();
    for task in tasks {
        verdicts.push(task.await.unwrap());
    }
    verdicts
}

fn count(verdicts: &[Verdict], wanted: &str) -> usize {
    verdicts.iter().filter(|verdict| verdict.as_str() == wanted).count()
}

/// Rule 4, SEC-04.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_04_of_64_parallel_right_codes_one_is_approved() {
    let provider = carrier("a");
    let world = Arc::new(World::of(&[&provider]));
    for round in 0..200 {
        let sent = world.send().await.unwrap();
        let code = provider.otpmux_codes().pop().unwrap();
        let verdicts = verdicts(&world, sent.id, vec![code; 64]).await;
        assert_eq!(count(&verdicts, "approved"), 1, "round {round}");
        assert_eq!(count(&verdicts, "already_used") + count(&verdicts, "too_many_guesses"), 63);
    }
}

/// The same with a vendor that approves every one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_04_a_vendor_that_approves_twice_does_not_get_two_in() {
    let provider = vendor("a");
    provider.verifies.always(|_, _| Ok(Verdict::Approved));
    let world = Arc::new(World::of(&[&provider]));
    for round in 0..200 {
        let sent = world.send().await.unwrap();
        let verdicts = verdicts(&world, sent.id, vec!["1111".to_owned(); 5]).await;
        assert_eq!(count(&verdicts, "approved"), 1, "round {round}");
    }
}

/// Rule 5, SEC-07.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_07_of_100_parallel_wrong_codes_exactly_the_cap_is_compared() {
    let provider = carrier("a");
    let world = Arc::new(World::of(&[&provider]));
    for round in 0..50 {
        let sent = world.send().await.unwrap();
        let code = provider.otpmux_codes().pop().unwrap();
        let verdicts = verdicts(&world, sent.id, vec![wrong(&code); 100]).await;
        assert_eq!(count(&verdicts, "wrong_code"), 5, "round {round}");
        assert_eq!(count(&verdicts, "too_many_guesses"), 95);
        assert_eq!(world.verify(&sent, &code).await, "too_many_guesses");
    }
}
