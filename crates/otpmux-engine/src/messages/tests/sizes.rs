use serde_json::Value;

use crate::SmsSize;

/// The table was made by an independent program, which its `source` names.
#[test]
fn sizes_are_those_of_an_independent_program() {
    let table: Value = serde_json::from_str(include_str!("sms-segments.json")).unwrap();
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() > 250);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let size = SmsSize::of(text);
        let got = (size.encoding.as_str(), size.units as u64, size.segments as u64);
        let wanted = (
            case["encoding"].as_str().unwrap(),
            case["units"].as_u64().unwrap(),
            case["segments"].as_u64().unwrap(),
        );
        assert_eq!(got, wanted, "{text:?}");
    }
}
