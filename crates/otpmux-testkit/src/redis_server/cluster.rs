use super::{RedisServer, Reply};

/// The distance of a node's cluster bus from its port.
pub(super) const BUS: u16 = 10_000;
/// The hash slots of a cluster.
const SLOTS: u16 = 16_384;

pub(super) fn start(nodes: u16) -> Vec<RedisServer> {
    let start = || RedisServer::start_with(&["--cluster-enabled", "yes"]);
    let servers: Vec<_> = (0..nodes).map(|_| start()).collect();
    for (at, server) in (0..).zip(&servers) {
        let range = [share(at, nodes), share(at + 1, nodes)];
        let slots = (range[0]..range[1]).map(|slot| slot.to_string());
        let words: Vec<_> =
            ["CLUSTER", "ADDSLOTS"].map(str::to_owned).into_iter().chain(slots).collect();
        ok(&server.command(&words));
    }
    for server in &servers[1..] {
        let port = servers[0].port().to_string();
        ok(&server.command(&["CLUSTER", "MEET", "127.0.0.1", &port]));
    }
    servers.iter().for_each(RedisServer::until_cluster_serves);
    servers
}

/// Returns the first slot of a node.
fn share(node: u16, nodes: u16) -> u16 {
    let slot = u32::from(SLOTS) * u32::from(node) / u32::from(nodes);
    // At most the number of slots, which fits.
    u16::try_from(slot).unwrap_or(SLOTS)
}

fn ok(reply: &Reply) {
    assert_eq!(*reply, Reply::Text("OK".into()));
}
