//! Processes that are killed after the step of an event and before its delivery, on every store that processes share.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux::events::{
    EndpointName, EventDeliverer, EventEndpoint, EventId, EventSettings, EventType, Targets,
};
use otpmux::http::webhook::WebhookUrl;
use otpmux::provider::Capabilities;
use otpmux::sqlite::{Durability, SqliteStore};
use otpmux::store::VerificationStore;
use otpmux::{
    Channel, Code, ExternalId, MessageLimits, NewVerification, OtpClient, Policy, Purpose,
    Recipient, Selector, ServerKeys, VerificationId, VerificationStatus, Verify, postgres, redis,
};
use otpmux_testkit::faulty::{Connection, FaultyServer, Play, Reply, Step};
use otpmux_testkit::shared_store::now;
use otpmux_testkit::{ManualClock, PostgresServer, RedisServer, ScriptedProvider};
use tempfile::TempDir;

/// Set for a process that a test starts: its part, the store, the receiver, and its number.
const PART: &str = "OTPMUX_EVENTS_PART";
const STORE: &str = "OTPMUX_EVENTS_STORE";
const RECEIVER: &str = "OTPMUX_EVENTS_RECEIVER";
const NUMBER: &str = "OTPMUX_EVENTS_NUMBER";
/// The prefix of what such a process says, because the test harness writes lines too.
const MARK: &str = "part says: ";

const ENDPOINT: &str = "billing";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Longer than an event is leased to the process that delivers it.
const LATER: Duration = Duration::from_secs(61);
/// After how many answers each process is killed; no assertion depends on the moment.
const KILLED_AFTER: [usize; 6] = [0, 1, 5, 14, 25, 33];
const PATIENCE: Duration = Duration::from_secs(60);

/// A server, or a file.
enum Server {
    Sqlite(TempDir),
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl Server {
    fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.path().join("otpmux.db").to_str().unwrap().to_owned(),
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
        }
    }
}

/// Opens a store that goes by the clock of its client.
fn open(url: &str) -> Arc<dyn VerificationStore> {
    if url.starts_with("redis:") {
        let options = redis::Options::default().with_time(redis::Time::Caller);
        Arc::new(redis::RedisStore::connect([url], options).unwrap())
    } else if url.starts_with("postgres:") {
        let options = postgres::Options::default().with_time(postgres::Time::Caller);
        Arc::new(postgres::PostgresStore::connect(url, options).unwrap())
    } else {
        let options = otpmux::sqlite::Options::default().with_durability(Durability::Process);
        Arc::new(SqliteStore::open(url, options).unwrap())
    }
}

/// A client whose clock shows this time.
fn client(url: &str, provider: &Arc<ScriptedProvider>, now: SystemTime) -> OtpClient {
    let types = [
        EventType::VerificationCreated,
        EventType::VerificationApproved,
        EventType::VerificationFailed,
    ];
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    OtpClient::builder()
        .provider(provider.port())
        .policy(policy)
        .clock(Arc::new(ManualClock::new(now)))
        .store(open(url), ServerKeys::new(&[("test".to_owned(), "k".repeat(43).into())]).unwrap())
        .events(EventSettings::new().endpoint(EventEndpoint::new(ENDPOINT, types).unwrap()))
        .build()
        .unwrap()
}

fn provider() -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    Arc::new(ScriptedProvider::new("primary", capabilities))
}

fn deliverer(client: &OtpClient, receiver: &str) -> EventDeliverer {
    let mut targets = Targets::default();
    let url = WebhookUrl::parse(receiver, true).unwrap();
    targets.add(EndpointName::new(ENDPOINT).unwrap(), url, vec![SECRET.parse().unwrap()]);
    EventDeliverer::start(client.clone(), targets).unwrap()
}

/// The id that the application gives the verification of this process and place.
fn named(number: usize, place: usize) -> ExternalId {
    ExternalId::new(format!("{number}-{place}")).unwrap()
}

/// The main function of a process that a test has started; does nothing in any other.
#[tokio::test]
async fn part() {
    let Ok(part) = std::env::var(PART) else { return };
    let of = |name: &str| std::env::var(name).unwrap();
    let (url, receiver, number) = (of(STORE), of(RECEIVER), of(NUMBER).parse().unwrap());
    if part == "write" {
        return write(&url, &receiver, number).await;
    }
    let client = client(&url, &provider(), now() + LATER);
    let _deliverer = deliverer(&client, &receiver);
    // Until it is killed.
    std::future::pending::<()>().await;
}

/// Makes verifications, ends them, and delivers their events, until the process is killed.
async fn write(url: &str, receiver: &str, number: usize) {
    let provider = provider();
    let client = client(url, &provider, now());
    let _deliverer = deliverer(&client, receiver);
    for place in 0.. {
        let to: Recipient = format!("+9198{number:03}{place:05}").parse().unwrap();
        let new = NewVerification::to(to).with_external_id(named(number, place));
        let id = client.send(new).await.unwrap().id;
        say(&format!("created {id}"));
        let code: Code = provider.otpmux_codes().pop().unwrap().parse().unwrap();
        match place % 3 {
            0 => {}
            1 => {
                assert!(client.cancel(id).await.unwrap());
                say(&format!("cancelled {id}"));
            }
            _ => {
                assert!(client.verify(id, &code).await.unwrap().is_approved());
                say(&format!("approved {id}"));
            }
        }
    }
}

fn say(line: &str) {
    // Not printed: the harness would keep what is.
    let mut output = std::io::stdout();
    writeln!(output, "{MARK}{line}").unwrap();
}

/// Another process, killed when it is dropped.
struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(part: &str, server: &Server, receiver: &FaultyServer, number: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "part", "--nocapture"]);
        command.env(PART, part).env(STORE, server.url()).env(RECEIVER, receiver.url());
        command.env(NUMBER, number.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// The next whole line that it says; `None` when it says no more.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some(said) = line.strip_suffix('\n').and_then(|it| it.split_once(MARK)) {
                return Some(said.1.to_owned());
            }
            line.clear();
        }
        None
    }

    /// Ends it by SIGKILL, and returns what it had still said.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        std::iter::from_fn(|| self.line()).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The events of what has happened, by the verifications that the store has.
async fn happened(client: &OtpClient) -> BTreeSet<EventId> {
    let mut events = BTreeSet::new();
    for number in 0..KILLED_AFTER.len() {
        for place in 0.. {
            let selector = Selector::external(named(number, place), Purpose::default());
            let no_code: Code = "0000000000".parse().unwrap();
            let checked = client.check(selector, &no_code, Verify::new()).await.unwrap();
            let Some(id) = checked.id else { break };
            let of = |event| EventId::of(id, event, None);
            events.insert(of(EventType::VerificationCreated));
            match client.status(id).await.unwrap().status {
                VerificationStatus::Pending => {}
                VerificationStatus::Approved => {
                    events.insert(of(EventType::VerificationApproved));
                }
                VerificationStatus::Closed => {
                    events.insert(of(EventType::VerificationFailed));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    events
}

/// The events that a receiver has seen.
fn ids(connections: &[Connection]) -> BTreeSet<EventId> {
    let requests = connections.iter().flat_map(|it| &it.requests).filter(|it| it.whole);
    requests.map(|it| it.header("webhook-id").unwrap().parse().unwrap()).collect()
}

/// The event of an answer that a process has given.
fn answered(line: &str) -> EventId {
    let (word, id) = line.split_once(' ').unwrap();
    let event = match word {
        "created" => EventType::VerificationCreated,
        "approved" => EventType::VerificationApproved,
        "cancelled" => EventType::VerificationFailed,
        other => panic!("{other}"),
    };
    EventId::of(id.parse::<VerificationId>().unwrap(), event, None)
}

/// Every process is killed while the receiver has not answered, so no event was delivered, whatever the
/// moment. Then two others deliver, exactly what has happened.
async fn what_has_happened_is_delivered_after_kill_9(server: Server) {
    // It takes every event, and answers none.
    let held = FaultyServer::start(Play::new([Step::Read, Step::Silence])).await;
    let mut said = BTreeSet::new();
    for (number, enough) in KILLED_AFTER.into_iter().enumerate() {
        let mut process = Process::start("write", &server, &held, number);
        let mut lines: Vec<_> = std::iter::from_fn(|| process.line()).take(enough).collect();
        assert_eq!(lines.len(), enough, "the process has ended by itself");
        if enough == KILLED_AFTER[2] {
            // This one dies with an event on its way.
            let some = held.until(|all| all.iter().any(|it| !it.requests.is_empty()));
            tokio::time::timeout(PATIENCE, some).await.unwrap();
        }
        lines.extend(process.kill());
        said.extend(lines.iter().map(|line| answered(line)));
    }

    let client = client(&server.url(), &provider(), now());
    let happened = happened(&client).await;
    assert!(said.len() >= KILLED_AFTER.iter().sum(), "each answer is about another event");
    assert!(said.is_subset(&happened), "an answer was lost");
    let waiting = client.events_waiting(None, 1_000).await.unwrap();
    assert_eq!(waiting.len(), happened.len(), "each event waits once");
    assert_eq!(waiting.iter().map(|it| it.event.id).collect::<BTreeSet<_>>(), happened);
    assert!(
        ids(&held.connections()).is_subset(&happened),
        "an event of something that did not happen"
    );

    let receiver = FaultyServer::start(Play::answer(&Reply::new(204))).await;
    let _both = [0, 1].map(|number| Process::start("deliver", &server, &receiver, number));
    let all = receiver.until(|all| happened.is_subset(&ids(all)));
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert_eq!(ids(&receiver.connections()), happened);
}

/// Every process is killed while the receiver takes its events, so with deliveries that are not recorded yet: many
/// are recorded together. What was not recorded comes again, and nothing is lost.
async fn what_was_not_recorded_comes_again_after_kill_9(server: Server) {
    let receiver = FaultyServer::start(Play::answer(&Reply::new(204))).await;
    for number in 0..KILLED_AFTER.len() {
        let before = ids(&receiver.connections()).len();
        let process = Process::start("write", &server, &receiver, number);
        let some = receiver.until(|all| ids(all).len() >= before + 10);
        tokio::time::timeout(PATIENCE, some).await.unwrap();
        process.kill();
    }
    let client = client(&server.url(), &provider(), now());
    let happened = happened(&client).await;
    let waiting = client.events_waiting(None, 1_000).await.unwrap();
    let waiting: BTreeSet<_> = waiting.iter().map(|it| it.event.id).collect();
    let taken = ids(&receiver.connections());
    assert_eq!(
        &taken | &waiting,
        happened,
        "an event is lost, or of something that did not happen"
    );

    let again = FaultyServer::start(Play::answer(&Reply::new(204))).await;
    let _both = [0, 1].map(|number| Process::start("deliver", &server, &again, number));
    let all = again.until(|all| waiting.is_subset(&ids(all)));
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert_eq!(ids(&again.connections()), waiting);
}

#[tokio::test]
async fn sqlite() {
    what_has_happened_is_delivered_after_kill_9(Server::sqlite()).await;
    what_was_not_recorded_comes_again_after_kill_9(Server::sqlite()).await;
}

#[tokio::test]
async fn redis() {
    what_has_happened_is_delivered_after_kill_9(Server::Redis(RedisServer::start())).await;
    what_was_not_recorded_comes_again_after_kill_9(Server::Redis(RedisServer::start())).await;
}

#[tokio::test]
async fn postgres() {
    what_has_happened_is_delivered_after_kill_9(Server::Postgres(PostgresServer::start())).await;
    what_was_not_recorded_comes_again_after_kill_9(Server::Postgres(PostgresServer::start())).await;
}
