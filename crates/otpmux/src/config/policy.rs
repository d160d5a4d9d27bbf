//! `[policy]` and `[limits]`

use otpmux_engine::{MessageLimits, Policy};
use serde_json::{Map, Value};

use super::reading::Reading;

/// `None` if `[policy]` has mistakes.
pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<Policy> {
    let mistakes = cx.errors.len();
    let mut policy = Policy::default();
    if let Some(table) = cx.table(root, "policy") {
        cx.apply("policy", table, &mut policy);
        cx.errors.extend(policy.conflicts().into_iter().map(|error| error.within("policy")));
    }
    (cx.errors.len() == mistakes).then_some(policy)
}

pub(super) fn read_limits(root: &Map<String, Value>, cx: &mut Reading<'_>) -> MessageLimits {
    let mut limits = MessageLimits::default();
    if let Some(table) = cx.table(root, "limits") {
        cx.apply("limits", table, &mut limits);
    }
    limits
}
