//! One mailbox is one recipient, in any spelling of its address.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Capabilities, Channel, Code, ErrorKind, RateLimit, Recipient};
use otpmux_engine::{MemoryStore, NewVerification, OtpClient, Policy, Resend, VerificationStore};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{builder, keys, lenient, wrong};

fn post(id: &str) -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Email]).with_otpmux_codes(4..=10);
    Arc::new(ScriptedProvider::new(id, capabilities))
}

/// Clients that share a store, like processes.
fn clients<const N: usize>(
    provider: &Arc<ScriptedProvider>,
    policy: &Policy,
) -> ([OtpClient; N], Arc<ManualClock>) {
    let clock = Arc::<ManualClock>::default();
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(1_000));
    let client = |_| {
        let builder = builder(&[provider], policy.clone(), &clock);
        builder.store(Arc::clone(&store), keys()).build().unwrap()
    };
    (std::array::from_fn(client), clock)
}

fn to(text: &str) -> NewVerification {
    NewVerification::to(text.parse::<Recipient>().unwrap())
}

/// Spellings of the mailbox of `annabel` at a host: case, tags, and dots where the host ignores them.
fn spellings() -> Vec<Vec<String>> {
    let case = |bits: u32| {
        let letter = |(at, letter): (usize, char)| {
            if bits >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
        };
        let name: String = "annabel".chars().enumerate().map(letter).collect();
        format!("{name}@example.com")
    };
    let tag = |n: u32| format!("annabel+{n}@example.com");
    let dots = |bits: u32| {
        let mut name = String::new();
        for (at, letter) in "annabel".char_indices() {
            if at > 0 && bits >> at & 1 == 1 {
                name.push('.');
            }
            name.push(letter);
        }
        let host = if bits & 1 == 1 { "gmail.com" } else { "GoogleMail.com" };
        format!("{name}@{host}")
    };
    let domains =
        ["bücher.example", "BÜCHER.example.", "xn--bcher-kva.example", "XN--Bcher-KVA.example"];
    vec![
        (0..64).map(case).collect(),
        (0..30).map(tag).collect(),
        (0..64).map(dots).collect(),
        domains.map(|domain| format!("annabel@{domain}")).to_vec(),
    ]
}

#[tokio::test]
async fn all_spellings_of_a_mailbox_share_the_limit_of_one() {
    for spellings in spellings() {
        let provider = post("a");
        let ([one], _) = clients(&provider, &Policy::default());
        let ([two, three], _) = clients(&provider, &Policy::default());
        for group in [vec![one], vec![two, three]] {
            let before = provider.count();
            for (turn, spelling) in spellings.iter().enumerate() {
                let sent = group[turn % group.len()].send(to(spelling)).await;
                let kind = sent.err().map(|error| error.kind());
                let expected = if turn < 2 { None } else { Some(ErrorKind::RateLimited) };
                assert_eq!(kind, expected, "{spelling}");
            }
            assert_eq!(provider.count() - before, 2);
        }
    }
}

#[tokio::test]
async fn all_spellings_of_a_mailbox_share_its_guesses() {
    for spellings in spellings() {
        let provider = post("a");
        let mut policy = lenient();
        policy.limits.guesses = vec![RateLimit::new(10, Duration::from_hours(1))];
        policy.max_guesses = 3;
        let ([one, two], _) = clients(&provider, &policy);
        let mut verdicts = Vec::new();
        for (turn, spelling) in spellings.iter().cycle().take(64).enumerate() {
            let client = [&one, &two][turn % 2];
            let sent = client.send(to(spelling)).await.unwrap();
            let code: Code = wrong(provider.otpmux_codes().last().unwrap()).parse().unwrap();
            for _ in 0..3 {
                verdicts.push(client.verify(sent.id, &code).await.unwrap().as_str());
            }
        }
        let compared = verdicts.iter().filter(|verdict| **verdict == "wrong_code").count();
        assert_eq!(compared, 10, "{}", spellings[0]);
    }
}

/// A vendor may distinguish spellings, and its user reads them in the message.
#[tokio::test]
async fn the_message_goes_to_the_form_that_was_given() {
    let provider = post("a");
    let ([client], clock) = clients(&provider, &lenient());
    let sent = client.send(to("Anna.Bel+Shop@GoogleMail.com.")).await.unwrap();
    assert_eq!(sent.to, "A•••@googlemail.com");
    clock.advance(Duration::from_mins(1));
    client.resend(sent.id, Resend::new()).await.unwrap();
    let asked: BTreeSet<_> = provider
        .sends
        .requests()
        .iter()
        .map(|request| request.recipient.expose().to_owned())
        .collect();
    assert_eq!(asked, BTreeSet::from(["Anna.Bel+Shop@googlemail.com".to_owned()]));
}

#[tokio::test]
async fn a_newer_verification_closes_the_one_of_another_spelling() {
    let provider = post("a");
    let ([one, two], _) = clients(&provider, &lenient());
    let old = one.send(to("annabel@example.com")).await.unwrap();
    let new = two.send(to("Annabel+x@example.com")).await.unwrap();
    let codes: Vec<Code> =
        provider.otpmux_codes().iter().map(|code| code.parse().unwrap()).collect();
    assert_eq!(one.verify(old.id, &codes[0]).await.unwrap().as_str(), "not_found");
    assert_eq!(one.verify(new.id, &codes[1]).await.unwrap().as_str(), "approved");
}

/// Certainly equal spellings are the same request; a possibly different mailbox is another one.
#[tokio::test]
async fn a_request_is_the_same_under_another_spelling() {
    let provider = post("a");
    let ([one, two], _) = clients(&provider, &lenient());
    let named = |spelling: &str| to(spelling).with_idempotency_key("form-1");
    let first = one.send(named("Annabel@bücher.example")).await.unwrap();
    let again = two.send(named("annabel@xn--bcher-kva.example.")).await.unwrap();
    assert_eq!((first.id, provider.count()), (again.id, 1));
    let other = two.send(named("annabel+2@xn--bcher-kva.example")).await.unwrap_err();
    assert_eq!((other.kind(), provider.count()), (ErrorKind::KeyReused, 1));
}

#[tokio::test]
async fn a_proof_of_one_spelling_counts_for_the_other_where_that_is_certain() {
    let provider = post("a");
    let ([one, two], _) = clients(&provider, &lenient());
    for (sent_to, expected, verdict) in [
        ("Annabel@Example.com", "annabel@example.com", "approved"),
        ("anna.bel+x@gmail.com", "annabel@googlemail.com", "approved"),
        ("annabel+x@example.com", "annabel@example.com", "not_found"),
    ] {
        let new = to(sent_to);
        let purpose = new.options.purpose.clone();
        let sent = one.send(new).await.unwrap();
        let code: Code = provider.otpmux_codes().last().unwrap().parse().unwrap();
        let expected = expected.parse().unwrap();
        let said = two.verify_for(sent.id, &code, &expected, &purpose).await.unwrap();
        assert_eq!(said.as_str(), verdict, "{sent_to}");
    }
}

/// The owner of a domain has any number of mailboxes and subdomains.
#[tokio::test]
async fn a_mail_domain_has_a_limit_of_its_own() {
    let provider = post("a");
    let mut policy = lenient();
    policy.limits.domain = vec![RateLimit::new(5, Duration::from_mins(10))];
    let ([one, two], clock) = clients(&provider, &policy);
    let mut refused = 0;
    for n in 0..20 {
        let client = [&one, &two][n % 2];
        let host = if n % 3 == 0 { "flood.example" } else { "a.b.FLOOD.example" };
        if let Err(error) = client.send(to(&format!("user{n}@{host}"))).await {
            assert!(error.detail().contains("`domain`"), "{error}");
            assert_eq!(error.retry_after(), Some(Duration::from_mins(10)));
            refused += 1;
        }
    }
    assert_eq!((provider.count(), refused), (5, 15));
    one.send(to("user@other.example")).await.unwrap();
    clock.advance(Duration::from_mins(10));
    one.send(to("user@flood.example")).await.unwrap();
}
