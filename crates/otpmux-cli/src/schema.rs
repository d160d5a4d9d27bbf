//! `otpmux schema`

use std::io;

use otpmux::{Registry, config_schema};

use crate::Exit;
use crate::output::Output;

pub(crate) fn run(output: &mut Output) -> io::Result<Exit> {
    let schema = config_schema(&Registry::with_compiled_in());
    output.line(format_args!("{schema:#}"))?;
    Ok(Exit::Done)
}
