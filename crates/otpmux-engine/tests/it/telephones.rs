//! One telephone is one recipient, in any spelling of its number.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Code, ErrorKind, RateLimit, Recipient};
use otpmux_engine::{MemoryStore, NewVerification, OtpClient, Policy, VerificationStore};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{builder, carrier, keys, lenient, wrong};

/// Each row is one telephone.
const SPELLINGS: [&[&str]; 4] = [
    &["+447911123456", "+4407911123456", "+44 (0)7911 123456", "0044 7911-123456"],
    &["+919876500001", "+9109876500001", "+91 98765 00001", "+٩١٩٨٧٦٥٠٠٠٠١"],
    // Before 2019 a mobile number had a 1 after the calling code.
    &["+525512345678", "+5215512345678"],
    // From abroad a mobile number has a 9, within the country a 15.
    &["+5491123456789", "+541123456789", "+54 11 15 2345-6789"],
];

/// Two clients on one store, like two processes.
fn two(provider: &Arc<ScriptedProvider>, policy: &Policy) -> [OtpClient; 2] {
    let clock = Arc::<ManualClock>::default();
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(1_000));
    let client = |_| {
        let builder = builder(&[provider], policy.clone(), &clock);
        builder.store(Arc::clone(&store), keys()).build().unwrap()
    };
    std::array::from_fn(client)
}

fn to(text: &str) -> NewVerification {
    NewVerification::to(text.parse::<Recipient>().unwrap())
}

#[tokio::test]
async fn all_spellings_of_a_telephone_share_the_limit_of_one() {
    for spellings in SPELLINGS {
        let provider = carrier("a");
        let clients = two(&provider, &Policy::default());
        for (turn, spelling) in spellings.iter().cycle().take(12).enumerate() {
            let sent = clients[turn % 2].send(to(spelling)).await;
            let kind = sent.err().map(|error| error.kind());
            let expected = if turn < 2 { None } else { Some(ErrorKind::RateLimited) };
            assert_eq!(kind, expected, "{spelling}");
        }
        assert_eq!(provider.count(), 2);
    }
}

#[tokio::test]
async fn all_spellings_of_a_telephone_share_its_guesses() {
    for spellings in SPELLINGS {
        let provider = carrier("a");
        let mut policy = lenient();
        policy.limits.guesses = vec![RateLimit::new(10, Duration::from_hours(1))];
        policy.max_guesses = 3;
        let clients = two(&provider, &policy);
        let mut compared = 0;
        for (turn, spelling) in spellings.iter().cycle().take(12).enumerate() {
            let client = &clients[turn % 2];
            let sent = client.send(to(spelling)).await.unwrap();
            let code: Code = wrong(provider.otpmux_codes().last().unwrap()).parse().unwrap();
            for _ in 0..3 {
                let verdict = client.verify(sent.id, &code).await.unwrap();
                compared += usize::from(verdict.as_str() == "wrong_code");
            }
        }
        assert_eq!(compared, 10, "{}", spellings[0]);
    }
}

#[test]
fn an_indian_mobile_has_ten_digits() {
    for wrong in ["+9198765432", "+91987654321", "+91 98765 432101", "+91098765432"] {
        assert!(wrong.parse::<Recipient>().is_err(), "{wrong}");
    }
}
