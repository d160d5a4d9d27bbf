//! Spellings of one mailbox, at two processes that share a Redis.

use std::time::Duration;

use otpmux_core::{ErrorKind, RateLimit, Recipient};
use otpmux_engine::NewVerification;
use otpmux_testkit::RedisServer;

use crate::world::{WRONG, client, code, provider, store};

/// Case, tags, and dots and domains that the host does not distinguish.
fn spellings(turn: usize) -> Recipient {
    let shout = |text: &str| if turn & 1 == 1 { text.to_uppercase() } else { text.to_owned() };
    let name = ["annabel", "anna.bel", "a.n.n.a.b.e.l", "annabe.l"][turn / 2 % 4];
    let host = [shout("gmail.com"), shout("googlemail.com.")];
    let text = format!("{}+{}@{}", shout(name), turn / 8, host[turn / 4 % 2]);
    text.parse().expect("an address")
}

#[tokio::test]
async fn one_mailbox_is_one_recipient_over_two_processes() {
    let server = RedisServer::start();
    let post = provider("post");
    let hour = Duration::from_hours(1);
    let two = [(); 2].map(|()| {
        client(&store(&server), &[&post], |policy| {
            policy.limits.recipient = vec![RateLimit::new(4, hour)];
            policy.limits.guesses = vec![RateLimit::new(10, hour)];
        })
    });
    let (mut compared, mut limited) = (0, 0);
    for turn in 0..64 {
        let client = &two[turn % 2];
        match client.send(NewVerification::to(spellings(turn))).await {
            Ok(sent) => {
                for _ in 0..5 {
                    let verdict = client.verify(sent.id, &code(WRONG)).await.expect("a verdict");
                    compared += usize::from(verdict.as_str() == "wrong_code");
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
                limited += 1;
            }
        }
    }
    assert_eq!((post.count(), limited, compared), (4, 60, 10));
}
