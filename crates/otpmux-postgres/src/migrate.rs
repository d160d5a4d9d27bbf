//! Whether a database can be used, and what it lacks.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{CallError, unusable};
use crate::sql::{self, VERSION};

/// The oldest version of the server that has all that the functions need.
const OLDEST_SERVER: i64 = 140_000;

/// Checks a database before its first step, and creates what it lacks, if that is allowed.
pub(crate) async fn prepare(client: &Client, schema: &str, migrate: bool) -> Result<(), CallError> {
    let question = "SELECT to_regclass($1) IS NOT NULL, pg_is_in_recovery(), \
        current_setting('default_transaction_isolation') = 'read committed', \
        current_setting('server_version_num')::bigint";
    let table = format!("{schema}.versions");
    let row = client.query_typed_one(question, &[(&table, Type::TEXT)]).await;
    let row = row.map_err(|error| of_preparing(&error))?;
    let (exists, replica) = (read::<bool>(&row, 0)?, read::<bool>(&row, 1)?);
    let (read_committed, server) = (read::<bool>(&row, 2)?, read::<i64>(&row, 3)?);
    if server < OLDEST_SERVER {
        return Err(unusable::server(server));
    }
    if replica {
        return Err(unusable::replica());
    }
    if !read_committed {
        return Err(unusable::isolation());
    }
    if exists {
        let question = format!("SELECT newest, oldest FROM {table}");
        let row = client.query_typed_one(&question, &[]).await;
        let row = row.map_err(|error| of_preparing(&error))?;
        let (newest, oldest) = (read::<i32>(&row, 0)?, read::<i32>(&row, 1)?);
        if oldest > VERSION {
            return Err(unusable::newer(oldest));
        }
        if newest >= VERSION {
            return Ok(());
        }
    }
    if !migrate {
        return Err(unusable::missing());
    }
    let migration = sql::migration(schema);
    client.batch_execute(&migration).await.map_err(|error| of_preparing(&error))
}

/// The step itself was not sent yet.
fn of_preparing(error: &tokio_postgres::Error) -> CallError {
    match CallError::of_asking(error) {
        CallError::Refused { code, .. } => CallError::Refused { code, rolled_back: true },
        CallError::NoAnswer(why) => CallError::Unreachable(why),
        error => error,
    }
}

fn read<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    place: usize,
) -> Result<T, CallError> {
    let unreadable = |_| CallError::Unreachable("it gives answers that cannot be read".to_owned());
    row.try_get(place).map_err(unreadable)
}
