//! `otpmux check-config`

mod explain;
mod facts;
mod summary;
mod text;
mod warnings;

pub(crate) use warnings::NO_GLOBAL_LIMIT;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use otpmux::config::{ClientConfig as _, ConfigErrors, Environment};
use otpmux::{Config, MemoryStore, OtpClient};
use serde_json::json;

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::serve::check_service;
use crate::verbs::Wishes;

#[derive(clap::Args)]
#[command(after_help = "\
Reports what `otpmux serve` would report: it reads secrets, API keys and certificates, and looks for
the directory of the database. It calls no vendor and opens no store. A correct file may have warnings.

--explain makes the same plan as a send. It does not know the health of providers, which
`otpmux providers` shows, nor how much of a limit is used. If nothing would be sent, the exit status
is 1.")]
pub(crate) struct Args {
    /// The configuration file; the same as --config
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "OTPMUX_CONFIG", default_value = "otpmux.toml")]
    config: PathBuf,
    /// Show how a send to this number or address would be routed: which providers, in which order,
    /// which are skipped, and why
    #[arg(long, value_name = "RECIPIENT")]
    explain: Option<String>,
    #[command(flatten)]
    wishes: Wishes,
}

impl Args {
    fn file(&self) -> &Path {
        self.file.as_deref().unwrap_or(&self.config)
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    if args.explain.is_none() && !args.wishes.is_empty() {
        let what = "--channel, --purpose, --locale, --variable, --brand, --message and --country are \
                    for a send: say --explain RECIPIENT too";
        return Failure::usage(what).report(output);
    }
    let (config, client) = match read(args) {
        Ok(read) => read,
        Err(errors) if output.is_json() => {
            let errors: Vec<_> = errors
                .iter()
                .map(|error| {
                    let place = error.place();
                    json!({
                        "path": error.path(),
                        "line": place.map(|(line, _)| line),
                        "column": place.map(|(_, column)| column),
                        "message": error.message(),
                    })
                })
                .collect();
            output.json(&json!({ "ok": false, "errors": errors }))?;
            return Ok(Exit::Usage);
        }
        Err(errors) => return Failure::from(errors).report(output),
    };
    if let Some(to) = &args.explain {
        let country = args.wishes.country();
        let new = country.and_then(|country| {
            args.wishes.new_verification(client.read_recipient(to, country), "--explain")
        });
        return match new {
            Ok(new) => explain::report(&client.explain(new), output),
            Err(failure) => failure.report(output),
        };
    }
    if output.is_json() {
        output.json(&summary::of(&config))?;
    } else {
        output.line(format_args!("{} is valid.", args.file().display()))?;
        text::write(&config, output)?;
        for warning in warnings::of(&config) {
            output.warning(warning)?;
        }
    }
    Ok(Exit::Done)
}

fn read(args: &Args) -> Result<(Config, OtpClient), ConfigErrors> {
    let environment = Environment::from_process();
    let config = Config::builder().environment(environment.clone()).file(args.file())?;
    // Without the section, the file may be of a client.
    let config = config.build_checked(|config| match config.server() {
        Some(_) => check_service(config, &environment),
        None => config.check_store(),
    })?;
    // Checks that all sections fit together; the store does not change.
    let client = config.client_builder().and_then(|builder| {
        let builder = builder.open_store("a check", || Ok(Arc::new(MemoryStore::new(1))));
        Ok(builder.build()?)
    });
    match client {
        Ok(client) => Ok((config, client)),
        Err(errors) => Err(config.locate(errors)),
    }
}
