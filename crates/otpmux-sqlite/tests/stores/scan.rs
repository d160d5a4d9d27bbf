//! The bytes on the disk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Capabilities, Channel, ErrorKind, Recipient, Sent, VendorReference};
use otpmux_engine::{
    AttemptState, MessageLimits, NewVerification, OtpClient, Policy, RETENTION, Resend,
    VerificationStore,
};
use otpmux_sqlite::SqliteStore;
use otpmux_testkit::{ManualClock, ScriptedProvider, SeededEntropy};

use crate::home::{Home, after, keys, now, put, quick, record};

/// Everything in the directory: the database, its log and its index.
fn disk(home: &Home) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(home.dir()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    bytes
}

/// Which of these texts occur in the bytes.
fn found<'a>(bytes: &[u8], texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    // By their first two bytes: there are millions of places to look at.
    let mut begun_by: HashMap<[u8; 2], Vec<&str>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    for text in texts {
        let start = [text.as_bytes()[0], text.as_bytes()[1]];
        begun_by.entry(start).or_default().push(text);
        begins[usize::from(u16::from_be_bytes(start))] = true;
    }
    let mut found = BTreeSet::new();
    for place in 0..bytes.len() - 1 {
        let start = [bytes[place], bytes[place + 1]];
        if begins[usize::from(u16::from_be_bytes(start))] {
            let begun = begun_by.get(&start).into_iter().flatten();
            found.extend(begun.filter(|text| bytes[place..].starts_with(text.as_bytes())));
        }
    }
    found
}

struct World {
    client: OtpClient,
    provider: Arc<ScriptedProvider>,
    clock: Arc<ManualClock>,
}

impl World {
    /// Codes of ten digits: shorter ones may occur in an idempotency key by chance.
    fn new(store: Arc<SqliteStore>) -> Self {
        let capabilities =
            Capabilities::new([Channel::Sms, Channel::Email]).with_otpmux_codes(4..=10);
        let provider = Arc::new(ScriptedProvider::new("primary", capabilities));
        let clock = Arc::new(ManualClock::default());
        let mut policy = Policy::default();
        policy.code_length = 10;
        policy.limits = MessageLimits::none();
        let client = OtpClient::builder()
            .provider(provider.port())
            .store(store, keys().clone())
            .policy(policy)
            .clock(Arc::<ManualClock>::clone(&clock))
            .entropy(Arc::new(SeededEntropy::new(7)))
            .build()
            .unwrap();
        Self { client, provider, clock }
    }

    /// Sends to each, and verifies, resends or leaves it.
    async fn live(&self, recipients: &[String]) {
        for (number, to) in recipients.iter().enumerate() {
            let to: Recipient = to.parse().unwrap();
            let channel = if to.expose().contains('@') { Channel::Email } else { Channel::Sms };
            let new = NewVerification::to(to).by(channel).with_message("your code is {code}");
            let sent = self.client.send(new).await.unwrap();
            if number % 3 == 1 {
                let code = self.provider.otpmux_codes().pop().unwrap().parse().unwrap();
                assert!(self.client.verify(sent.id, &code).await.unwrap().is_approved());
            }
            if number % 3 == 2 {
                self.clock.advance(Duration::from_secs(31));
                let wrong = "0000000000".parse().unwrap();
                assert!(!self.client.verify(sent.id, &wrong).await.unwrap().is_approved());
                self.client.resend(sent.id, Resend::new()).await.unwrap();
            }
        }
    }
}

pub(crate) async fn no_code_and_no_recipient_is_on_the_disk() {
    let home = Home::new();
    let store = Arc::new(SqliteStore::open(home.file(), quick()).unwrap());
    let world = World::new(Arc::clone(&store));
    let numbers = (0..200).map(|n| format!("+9198{:08}", n * 490_979 + 1_234_567));
    let addresses = (0..100).map(|n| format!("user-{n:03}@mail.example.com"));
    let recipients: Vec<_> = numbers.chain(addresses).collect();
    // A vendor may call a message by the recipient that it went to.
    world.provider.sends.always(|_, request| {
        let to = request.recipient.expose().trim_start_matches('+');
        Ok(Sent::new().with_reference(VendorReference::new(format!("message-{to}-1"))))
    });
    world.live(&recipients).await;

    let codes = world.provider.otpmux_codes();
    assert!(codes.len() > 300, "{}", codes.len());
    let mut secrets: Vec<_> = recipients.iter().map(|to| to.trim_start_matches('+')).collect();
    secrets.extend(codes.iter().map(String::as_str));
    // Without the country, and the part before the `@`.
    secrets.extend(recipients.iter().filter_map(|to| to.strip_prefix("+91")));
    secrets.extend(recipients.iter().filter_map(|to| to.strip_suffix("@mail.example.com")));
    secrets.push("your code is");
    let bytes = disk(&home);
    assert!(bytes.len() > 500_000, "{} bytes are too few", bytes.len());
    assert_eq!(found(&bytes, secrets.iter().copied()), BTreeSet::new());

    // Data that is there is found.
    let mut record = record(1);
    let number = recipients[0].trim_start_matches('+');
    record.send_attempts[0].reference = Some(VendorReference::new(format!("vendor:{number}")));
    put(&store, record).await;
    assert_eq!(found(&disk(&home), secrets.iter().copied()).len(), 2, "with and without country");
}

/// Not only forgotten: overwritten, once the log is worked off.
pub(crate) async fn removed_data_is_overwritten() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    let texts: Vec<String> = (0..200).map(|number| format!("reference-{number:05}")).collect();
    for (number, text) in (0..).zip(&texts) {
        let mut record = record(number);
        record.send_attempts[0].reference = Some(VendorReference::new(text.as_str()));
        record.send_attempts[0].state = AttemptState::Rejected;
        record.send_attempts[0].failure = Some(ErrorKind::Timeout);
        put(&store, record).await;
    }
    let all = || texts.iter().map(String::as_str);
    assert_eq!(found(&disk(&home), all()).len(), texts.len());
    while home.rows("records") > 0 {
        store.health(after(300) + RETENTION).await.unwrap();
    }
    assert!(store.health(now()).await.unwrap().is_empty());
    home.look().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(found(&disk(&home), all()), BTreeSet::new());
}
