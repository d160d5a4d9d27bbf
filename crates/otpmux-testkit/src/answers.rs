//! Answers of any kind, for the property tests of adapters: no panic, and no approval except the
//! documented one.

use std::time::SystemTime;

use otpmux_core::ReceiptRequest;
use proptest::prelude::*;
use serde_json::Value;

/// Returns JSON of any shape, made mostly of the vendor's own names and words. Both are regular
/// expressions, as proptest generates texts from them.
pub fn any_json(
    names: &'static str,
    words: &'static str,
) -> impl Strategy<Value = Value> + Clone + use<> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<i64>().prop_map(Value::from),
        5 => words.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            4 => prop::collection::hash_map(names, inner, 0..7)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Returns bodies: any bytes, any JSON, and most of all answers that are almost an approval.
pub fn any_body(
    any_json: impl Strategy<Value = Value> + 'static,
    near_approval: impl Strategy<Value = Value> + 'static,
) -> impl Strategy<Value = Vec<u8>> {
    let json = prop_oneof![1 => any_json, 2 => near_approval];
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200),
        6 => json.prop_map(|json| json.to_string().into_bytes()),
    ]
}

/// Returns statuses: mostly those of a success, then those that vendors document, then any other.
pub fn any_status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => 200u16..=202,
        2 => prop::sample::select(vec![400u16, 401, 402, 403, 404, 409, 410, 422, 429, 500, 503]),
        1 => 100u16..1000,
    ]
}

/// Returns a receipt that a vendor posted long ago.
pub fn receipt<'a>(
    url: &'a str,
    headers: &'a [(&'a str, &'a [u8])],
    body: &'a [u8],
) -> ReceiptRequest<'a> {
    ReceiptRequest { method: "POST", url, headers, body, at: SystemTime::UNIX_EPOCH }
}
