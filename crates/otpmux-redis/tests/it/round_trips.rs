//! Cost of a store: its number of calls, and its amount of data.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use otpmux_core::{
    Capabilities, Channel, Correlation, Delivery, OtpProvider as _, Purpose, Receipt,
    ReceiptRequest, ReceiptTrust, Receipts, Sent, VendorReference, Verdict,
};
use otpmux_engine::{
    ExternalId, MessageLimits, NewVerification, OtpClient, Policy, Selector, VerificationStatus,
    VerificationStore, Verify,
};
use otpmux_redis::RedisStore;
use otpmux_testkit::{RedisServer, ScriptedProvider};

use crate::world::{all_keys, client, code, keys, provider, recipient, record_key, store};

/// Returns how often each command ran, including those of scripts.
fn counts(server: &RedisServer) -> BTreeMap<String, u64> {
    let stats = server.command(&["INFO", "commandstats"]).text();
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
    };
    stats.lines().filter_map(count).collect()
}

/// Returns the number of script calls.
fn scripts(server: &RedisServer) -> u64 {
    let counts = counts(server);
    let of = |name: &str| counts.get(name).copied().unwrap_or(0);
    of("evalsha") + of("eval") + of("script|load")
}

#[tokio::test]
async fn a_send_is_one_script_and_a_verify_is_one_and_many_outcomes_are_one() {
    let server = Arc::new(RedisServer::start());
    let (store, provider) = (store(&server), provider("primary"));
    let client = client(&store, &[&provider], |policy| policy.limits = MessageLimits::default());
    let send = async |number| client.send(NewVerification::to(recipient(number))).await.unwrap();
    // Redis loads the scripts.
    let first = send(0).await.id;
    client.verify(first, &code("000000")).await.unwrap();
    client.flush().await;

    let before_vendor = Arc::new(Mutex::new(0));
    // Weak, since a scripted provider keeps its requests, and those keep its client.
    let (seen, watched) = (Arc::clone(&before_vendor), Arc::downgrade(&server));
    provider.sends.always(move |_, _| {
        *seen.lock().unwrap() = scripts(&watched.upgrade().unwrap());
        Ok(Sent::new())
    });
    server.command(&["CONFIG", "RESETSTAT"]);
    let sent = send(1).await;
    assert_eq!(*before_vendor.lock().unwrap(), 1, "written down before the vendor is called");
    client.flush().await;
    assert_eq!(scripts(&server), 2, "and its outcome recorded after it");
    client.verify(sent.id, &code("000000")).await.unwrap();
    assert_eq!(scripts(&server), 3);
    let right = code(provider.otpmux_codes().last().unwrap());
    assert!(client.verify(sent.id, &right).await.unwrap().is_approved());
    assert_eq!(scripts(&server), 4);

    let sends: tokio::task::JoinSet<_> = (2..42)
        .map(|number| {
            let client = client.clone();
            async move { client.send(NewVerification::to(recipient(number))).await.unwrap() }
        })
        .collect();
    assert_eq!(sends.join_all().await.len(), 40);
    client.flush().await;
    // How many at a time depends on how busy the machine is.
    let outcomes = scripts(&server) - 44;
    assert!((1..30).contains(&outcomes), "{outcomes}");

    // Only commands of scripts and of this test.
    let known = ["evalsha", "config|resetstat", "info"];
    let within = ["get", "mget", "set", "setrange", "del"];
    for name in counts(&server).keys() {
        assert!(known.iter().chain(&within).any(|it| it == name), "{name} came in");
    }
}

/// Nothing is looked up before the guess, whether there is a verification or not.
#[tokio::test]
async fn a_verify_by_recipient_or_external_id_is_one_script() {
    let server = RedisServer::start();
    let (store, provider) = (store(&server), provider("primary"));
    let client = client(&store, &[&provider], |policy| policy.limits = MessageLimits::default());
    let purpose = Purpose::default();
    let id = |text: &str| ExternalId::new(text).unwrap();
    let new = NewVerification::to(recipient(1)).with_external_id(id("order-1"));
    let sent = client.send(new).await.unwrap();
    let by = |number| Selector::recipient(recipient(number), purpose.clone());
    let external = |text| Selector::external(id(text), purpose.clone());
    // Redis loads the scripts.
    client.verify(sent.id, &code("000000")).await.unwrap();
    client.flush().await;
    server.command(&["CONFIG", "RESETSTAT"]);
    for (calls, (which, found)) in (1..).zip([
        (by(1), true),
        (by(2), false),
        (external("order-1"), true),
        (external("2"), false),
    ]) {
        let checked = client.check(which, &code("000000"), Verify::new()).await.unwrap();
        assert_eq!(checked.id, found.then_some(sent.id));
        assert_eq!(scripts(&server), calls);
    }
    let right = code(provider.otpmux_codes().last().unwrap());
    assert!(client.verify_with(by(1), &right, Verify::new()).await.unwrap().is_approved());
    assert_eq!(scripts(&server), 5);
    server.command(&["CONFIG", "RESETSTAT"]);
    let new = NewVerification::to(recipient(3)).with_external_id(id("order-3"));
    client.send(new).await.unwrap();
    client.flush().await;
    assert_eq!(scripts(&server), 2, "an external id costs a send no step");
}

/// Receipts cost a send nothing: neither a token nor a reference needs a separate step.
#[tokio::test]
async fn a_send_with_receipts_has_no_further_script_and_a_receipt_is_one() {
    let server = Arc::new(RedisServer::start());
    let store = store(&server);
    let provider = |name, by_reference| {
        let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        capabilities.receipts = Some(ReceiptTrust::Signed);
        capabilities.receipts_by_reference = by_reference;
        let provider = Arc::new(ScriptedProvider::new(name, capabilities));
        let reference = VendorReference::new(name);
        provider.sends.always(move |_, _| Ok(Sent::new().with_reference(reference.clone())));
        provider
    };
    let (token, reference) = (provider("token", false), provider("reference", true));
    for (provider, keys) in [(&token, 0), (&reference, 1)] {
        let client = receiving(&store, provider);
        client.send(NewVerification::to(recipient(1))).await.unwrap();
        client.flush().await;
        server.command(&["CONFIG", "RESETSTAT"]);
        let sent = client.send(NewVerification::to(recipient(2))).await.unwrap();
        client.flush().await;
        assert_eq!(scripts(&server), 2);
        let stored = all_keys(&server).iter().filter(|(letter, _)| *letter == 'f').count();
        assert_eq!(stored, keys);
        let correlation = if keys == 0 {
            Correlation::Token(provider.sends.contexts()[1].receipt.clone().unwrap().token)
        } else {
            Correlation::Reference(VendorReference::new("reference"))
        };
        let receipt = Receipt::new(correlation, Delivery::Delivered);
        provider.receipts.always(move |_, _| Ok(Receipts::new([receipt.clone()])));
        let receive = async || {
            let at = SystemTime::UNIX_EPOCH;
            let request = ReceiptRequest { method: "POST", url: "", headers: &[], body: b"", at };
            client.receive(provider.id(), &request).await.unwrap();
        };
        // Redis loads the script.
        receive().await;
        server.command(&["CONFIG", "RESETSTAT"]);
        receive().await;
        assert_eq!(scripts(&server), 1);
        let view = client.status(sent.id).await.unwrap();
        assert_eq!(view.send_attempts[0].delivery, Some(Delivery::Delivered));
    }
}

fn receiving(store: &Arc<RedisStore>, provider: &Arc<ScriptedProvider>) -> OtpClient {
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    OtpClient::builder()
        .store(Arc::<RedisStore>::clone(store), keys().clone())
        .policy(policy)
        .provider(provider.port())
        .receipt_url("https://otp.example.com/v1/receipts")
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_pending_verification_takes_so_much() {
    const FLOWS: u64 = 2_000;
    let server = RedisServer::start();
    let (store, provider) = (store(&server), provider("primary"));
    let client = client(&store, &[&provider], |_| ());
    let used = || -> u64 {
        let memory = server.command(&["INFO", "memory"]).text();
        let line = memory.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.expect("a figure").parse().expect("a number")
    };
    client.send(NewVerification::to(recipient(0))).await.unwrap();
    let before = used();
    for number in 1..=u32::try_from(FLOWS).unwrap() {
        client.send(NewVerification::to(recipient(number))).await.unwrap();
    }
    let each = (used() - before) / FLOWS;
    assert!((500..650).contains(&each), "{each} bytes: the README says some 0.6 kB");
}

#[tokio::test]
async fn an_approved_verification_keeps_what_its_status_needs_but_no_code() {
    let server = RedisServer::start();
    let (store, provider) = (store(&server), provider("primary"));
    let client = client(&store, &[&provider], |_| ());
    let mut new = NewVerification::to(recipient(1));
    new.options.metadata.insert("order".to_owned(), "17".to_owned());
    let id = client.send(new).await.unwrap().id;
    let usage = || server.command(&[&b"MEMORY"[..], b"USAGE", &record_key(id)]).number();
    let pending = usage();
    let right = code(provider.otpmux_codes().last().unwrap());
    assert!(client.verify(id, &right).await.unwrap().is_approved());
    assert!(usage() < pending, "{} of {pending} bytes", usage());
    let record = store.load(id, crate::world::now()).await.unwrap().unwrap();
    assert!(record.code.is_none());

    let view = client.status(id).await.unwrap();
    assert_eq!(view.status, VerificationStatus::Approved);
    assert_eq!((view.send_attempts.len(), &*view.metadata["order"]), (1, "17"));
    assert_eq!(client.verify(id, &right).await.unwrap(), Verdict::AlreadyUsed);
}
