//! `otpmux check-config`

mod facts;
mod summary;
mod text;
mod warnings;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use otpmux::{ClientConfig as _, Config, ConfigErrors, MemoryStore};
use serde_json::json;

use crate::Exit;
use crate::output::Output;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks secrets up, as they would be; calls no vendor and opens no store. Exit status: 0 right (there \
may be warnings), 2 wrong.")]
pub(crate) struct Args {
    /// The configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let config = match read(args) {
        Ok(config) => config,
        Err(errors) if args.json => {
            let errors: Vec<_> = errors
                .iter()
                .map(|error| json!({ "path": error.path(), "message": error.message() }))
                .collect();
            output.json(&json!({ "ok": false, "errors": errors }))?;
            return Ok(Exit::Usage);
        }
        Err(errors) => {
            output.note(format_args!("error: {errors}"))?;
            return Ok(Exit::Usage);
        }
    };
    if args.json {
        output.json(&summary::of(&config))?;
    } else {
        output.line(format_args!("{} is right.", args.file.display()))?;
        text::write(&config, output)?;
        for warning in warnings::of(&config) {
            output.note(format_args!("warning: {warning}"))?;
        }
    }
    Ok(Exit::Done)
}

fn read(args: &Args) -> Result<Config, ConfigErrors> {
    let config = Config::from_file(&args.file)?;
    // Whether it all fits together; the store that it names stays as it is.
    let builder = config.client_builder()?;
    builder.open_store("a check", || Ok(Arc::new(MemoryStore::new(1)))).build()?;
    Ok(config)
}
