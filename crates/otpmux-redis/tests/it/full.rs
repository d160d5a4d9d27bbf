//! A Redis whose memory is full.

use otpmux_core::{ErrorKind, Verdict};
use otpmux_engine::{NewVerification, StoreState, VerificationId, VerificationStore};
use otpmux_testkit::RedisServer;

use crate::fake::{BEFORE_FLAGS, Fake};
use crate::world::{CODE, client, code, guess, now, provider, recipient, store, store_at};

#[tokio::test]
async fn a_full_one_refuses_new_verifications_and_checks_the_codes_that_are_out() {
    let server = RedisServer::start();
    let (store, vendor) = (store(&server), provider("primary"));
    let client = client(&store, &[&vendor], |_| ());
    let mut sent = Vec::new();
    for number in 0..3 {
        sent.push(client.send(NewVerification::to(recipient(number))).await.unwrap().id);
    }
    let codes = vendor.otpmux_codes();
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);

    let refused = client.send(NewVerification::to(recipient(9))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Store);
    assert!(refused.detail().contains("raise maxmemory"), "{refused}");
    assert_eq!(vendor.sends.count(), 3, "nothing went out");
    assert_eq!(store.probe(now()).await.unwrap(), StoreState::Full);

    let wrong = if codes[0] == "000000" { "000001" } else { "000000" };
    let verdict = client.verify(sent[0], &code(wrong)).await.unwrap();
    assert_eq!(verdict, Verdict::WrongCode { guesses_left: Some(4) });
    for verdict in [Verdict::Approved, Verdict::AlreadyUsed] {
        assert_eq!(client.verify(sent[0], &code(&codes[0])).await.unwrap(), verdict);
    }
    // A process that has just started checks them, too.
    let fresh = crate::world::client(&store, &[&vendor], |_| ());
    assert_eq!(fresh.verify(sent[1], &code(&codes[1])).await.unwrap(), Verdict::Approved);
    assert!(fresh.cancel(sent[2]).await.unwrap());
    assert!(fresh.status(sent[1]).await.is_ok());

    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    client.send(NewVerification::to(recipient(9))).await.unwrap();
}

/// Redis 6.2 rejects a script with flags: it gets scripts without.
#[tokio::test]
async fn an_older_one_gets_scripts_without_flags() {
    let fake = Fake::start(BEFORE_FLAGS).await;
    let store = store_at(&fake.url(), "test");
    let id = VerificationId::from_bytes([1; 16]);
    for _ in 0..2 {
        assert_eq!(store.approve(id, &guess(id, CODE), now()).await.unwrap(), Verdict::NotFound);
    }
}
