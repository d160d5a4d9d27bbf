//! How many bytes a verification with the default limits has in Redis.

use otpmux_core::{Sent, VendorReference};
use otpmux_engine::{MessageLimits, NewVerification};
use otpmux_testkit::RedisServer;

use crate::world::{all_keys, client, code, provider, recipient, store, unhex};

/// Returns the letters of all keys, and the bytes of the record.
fn sizes(server: &RedisServer) -> (String, i64) {
    let keys = all_keys(server);
    let record = keys.iter().find(|(letter, _)| *letter == 'v').unwrap();
    let bytes = server.command(&[&b"STRLEN"[..], &unhex(&record.1)]).number();
    (keys.into_iter().map(|(letter, _)| letter).collect(), bytes)
}

/// Redis gives a value of up to 220 bytes, and one of up to 188, a block of 32 bytes less than the next
/// longer one.
#[tokio::test]
async fn a_record_is_small_and_smaller_after_its_approval() {
    let server = RedisServer::start();
    let vendor = provider("vendor");
    let uuid = "11f951d5-32d1-4b49-bdda-7da248e2615c";
    vendor.sends.always(move |_, _| Ok(Sent::new().with_reference(VendorReference::new(uuid))));
    let store = store(&server);
    let client = client(&store, &[&vendor], |policy| policy.limits = MessageLimits::default());
    let id = client.send(NewVerification::to(recipient(1))).await.unwrap().id;
    client.flush().await;
    // Besides the check values of server keys: the limit of the number's range, that of the recipient
    // with the pointer to the newest record, and the record.
    let (keys, pending) = sizes(&server);
    assert_eq!(keys, "NRkv");
    assert!(pending <= 220, "{pending}");
    let sent = &vendor.otpmux_codes()[0];
    assert!(client.verify(id, &code(sent)).await.unwrap().is_approved());
    let (keys, approved) = sizes(&server);
    assert_eq!(keys, "NRkv");
    assert!(approved <= 188, "{approved}");
}
