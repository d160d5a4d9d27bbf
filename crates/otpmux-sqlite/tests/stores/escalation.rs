//! Processes that take what is due from one file, and are killed meanwhile.

use std::sync::Arc;

use otpmux_sqlite::SqliteStore;
use otpmux_testkit::shared_store::escalation;

use crate::home::{Home, quick};
use crate::parts::command;

const COUNT: u32 = 10_000;

pub(crate) async fn of_many_processes_on_one_file_each_step_begins_once() {
    let home = Home::new();
    let store = Arc::new(SqliteStore::open(home.file(), quick()).unwrap());
    let process = || command("timers", &home.file());
    escalation::of_many_processes_each_step_begins_once(store, COUNT, process).await;
    home.assert_whole();
}
