//! A new verification or delivery.

use std::time::SystemTime;

use otpmux_engine::{Create, Created, LimitHit};

use crate::answer::Answer;
use crate::call::Call;
use crate::codec;
use crate::error::{CallError, Read};

pub(crate) fn create(create: &Create, now: SystemTime) -> Call {
    let Create { record, external, limit_hits, repeat } = create;
    codec::add_record(Call::new("create"), record)
        .many_bytes(external.iter().map(|tag| tag.to_vec()).collect())
        .flag(record.id.is_delivery())
        .flag(*repeat)
        .limit_hits(limit_hits)
        .time(now)
}

pub(crate) fn created(mut answer: Answer, limit_hits: &[LimitHit]) -> Read<Created> {
    let created = match &*answer.word {
        "new" => Created::New(answer.health_updates()?),
        "before" => Created::Replayed(Box::new(answer.record()?)),
        "live" => Created::Live(Box::new(answer.record()?)),
        "key_reused" => Created::KeyReused,
        "external_id_taken" => Created::ExternalIdTaken,
        "given_up" => Created::GivenUp,
        "limited" => Created::LimitExceeded(answer.limited(limit_hits)?),
        _ => return Err(CallError::Unreadable),
    };
    answer.end(created)
}
