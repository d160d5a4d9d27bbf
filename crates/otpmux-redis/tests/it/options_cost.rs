//! What events, the audit log and escalation cost a flow: counts, not times.

use std::sync::Arc;
use std::time::Duration;

use otpmux_engine::{
    AuditEntry, AuditSink, ClientBuilder, EscalationStep, EventDelivery, EventEnd, EventEndpoint,
    EventSettings, EventTypes, MessageLimits, NewVerification, OtpClient, Policy, Route, Routes,
    Wanted,
};
use otpmux_redis::RedisStore;
use otpmux_testkit::{RedisServer, ScriptedProvider};

use crate::world::{code, keys, provider, recipient, store};

/// How many flows each figure is a mean of.
const FLOWS: u32 = 50;

/// What Redis has done: scripts, all commands of scripts, and bytes from and to clients.
#[derive(Clone, Copy, Debug)]
struct Work {
    scripts: u64,
    commands: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl Work {
    fn of(server: &RedisServer) -> Self {
        let info = server.command(&["INFO", "everything"]).text();
        let number = |name: &str| -> u64 {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
        };
        let calls = |line: &str| -> Option<(bool, u64)> {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let is_script = matches!(name, "evalsha" | "eval" | "script|load");
            (name != "info").then_some((is_script, rest.split(',').next()?.parse().ok()?))
        };
        let of =
            |script| info.lines().filter_map(calls).filter(move |it| it.0 == script).map(|it| it.1);
        Self {
            scripts: of(true).sum(),
            commands: of(false).sum(),
            bytes_in: number("total_net_input_bytes:"),
            bytes_out: number("total_net_output_bytes:"),
        }
    }

    /// What `work` costs, for each flow.
    async fn per_flow(server: &RedisServer, work: impl Future<Output = ()>) -> [f64; 4] {
        let (first, before) = (Self::of(server), Self::of(server));
        work.await;
        let after = Self::of(server);
        // Two readings without any work between them are the cost of a reading.
        let each = |of: fn(&Self) -> u64| {
            let (idle, work) = (of(&before) - of(&first), of(&after) - of(&before));
            let work = u32::try_from(work.saturating_sub(idle)).expect("a small figure");
            f64::from(work) / f64::from(FLOWS)
        };
        [
            each(|it| it.scripts),
            each(|it| it.commands),
            each(|it| it.bytes_in),
            each(|it| it.bytes_out),
        ]
    }
}

#[derive(Debug)]
struct Sink;

impl AuditSink for Sink {
    fn record(&self, _: AuditEntry) {}
}

fn client(
    store: &Arc<RedisStore>,
    providers: &[Arc<ScriptedProvider>; 2],
    with: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> OtpClient {
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    let builder = OtpClient::builder()
        .store(Arc::<RedisStore>::clone(store), keys().clone())
        .policy(policy)
        .provider(providers[0].port())
        .provider(providers[1].port());
    with(builder).build().unwrap()
}

/// Sends, records and approves, one after another.
async fn flows(client: &OtpClient, provider: &ScriptedProvider, first: u32) {
    for number in first..first + FLOWS {
        let id = client.send(NewVerification::to(recipient(number))).await.unwrap().id;
        client.flush().await;
        let right = code(provider.otpmux_codes().last().unwrap());
        assert!(client.verify(id, &right).await.unwrap().is_approved());
    }
}

#[tokio::test]
async fn events_audit_log_and_escalation_cost_a_flow_no_script() {
    let server = RedisServer::start();
    let store = store(&server);
    let providers = [provider("first"), provider("second")];
    let everything = || EventEndpoint::new("app", EventTypes::all().iter()).unwrap();
    let events = EventSettings::new().endpoint(everything());
    let mut escalating = Route::to(providers.iter().map(|it| it.port().id().clone()));
    escalating.escalate = vec![EscalationStep::next(Duration::from_mins(1))];
    let clients = [
        client(&store, &providers, |it| it),
        client(&store, &providers, |it| it.audit(Arc::new(Sink))),
        client(&store, &providers, |it| it.routes(Routes::new([escalating]))),
        client(&store, &providers, |it| it.events(events)),
    ];
    let mut costs = Vec::new();
    for (client, number) in clients.iter().zip(1..) {
        // Redis loads the scripts.
        flows(client, &providers[0], number * 1_000).await;
        let flows = Box::pin(flows(client, &providers[0], number * 1_000 + 500));
        costs.push(Work::per_flow(&server, flows).await);
    }
    let [off, audit, escalation, events] = costs[..] else { unreachable!() };
    let more = |cost: [f64; 4]| [0, 1, 2, 3].map(|at| (cost[at] - off[at]).round());
    assert!((off[0] - 3.0).abs() < f64::EPSILON, "a send, its outcome, a verify: {off:?}");
    assert_eq!(more(audit)[..3], [0.0, 0.0, 0.0]);
    let [scripts, commands, bytes_in, _] = more(escalation);
    assert!(scripts == 0.0 && commands <= 4.0 && bytes_in <= 16.0, "{:?}", more(escalation));
    let [scripts, commands, bytes_in, _] = more(events);
    assert!(scripts == 0.0 && commands <= 12.0 && bytes_in <= 80.0, "{:?}", more(events));

    // The delivery of two events for each flow: taken many at once, and ended many at once.
    let [.., last] = &clients;
    let wanted = [Wanted { endpoint: everything().name, most: 20 }];
    let next = async || last.take_events(&wanted).await.unwrap().deliveries;
    let end = async |all: Vec<EventDelivery>| {
        let ended: Vec<_> = all.iter().map(|it| it.ended(EventEnd::Delivered)).collect();
        last.end_events(&ended).await.unwrap();
    };
    // Redis loads the scripts, and the events of the first flows are out of the way.
    for _ in 0..FLOWS * 2 / 20 {
        end(next().await).await;
    }
    let mut ended = 0;
    let deliver = async {
        loop {
            let taken = next().await;
            if taken.is_empty() {
                break;
            }
            ended += u32::try_from(taken.len()).unwrap();
            end(taken).await;
        }
    };
    let [scripts, commands, bytes_in, bytes_out] = Work::per_flow(&server, deliver).await;
    let of_one = |figure: f64| figure * f64::from(FLOWS) / f64::from(ended);
    assert!(of_one(scripts) < 0.12, "{} scripts for an event", of_one(scripts));
    assert!(of_one(commands) < 0.7, "{} commands for an event", of_one(commands));
    assert!(of_one(bytes_in) < 50.0, "{} bytes in for an event", of_one(bytes_in));
    assert!(of_one(bytes_out) < 100.0, "{} bytes out for an event", of_one(bytes_out));
}
