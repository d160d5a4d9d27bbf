//! `otpmux init`

mod ask;
mod draft;
mod file;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use otpmux::config::Registry;
use serde_json::json;

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use draft::{Draft, Mistake};

#[derive(clap::Args)]
#[command(after_help = "\
Without --provider it asks on a terminal. The file names secrets and holds none: set the variables that
the command prints. A file that exists is not replaced without --force.

  otpmux init --provider primary=easyotp --provider backup=startmessaging --countries IN,US
  otpmux init --provider startmessaging --set startmessaging.sender=ACME --countries IN --stdout")]
pub(crate) struct Args {
    /// Write this file
    #[arg(value_name = "FILE", default_value = "otpmux.toml")]
    file: PathBuf,
    /// Add a provider, by its kind or as NAME=KIND; repeat in the order of failover
    #[arg(long = "provider", value_name = "[NAME=]KIND")]
    providers: Vec<String>,
    /// Set a key of a provider
    #[arg(long = "set", value_name = "PROVIDER.KEY=VALUE")]
    values: Vec<String>,
    /// Send to these countries (ISO 3166-1, separated by commas), or to `any`
    #[arg(long, value_name = "COUNTRIES")]
    countries: Option<String>,
    /// Keep verifications here: `memory`, `sqlite:PATH`, or `env:NAME` for the URL of a Redis
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Write to standard output instead of a file
    #[arg(long)]
    stdout: bool,
    /// Replace the file
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let registry = Registry::default();
    let asks = args.providers.is_empty() && io::stdin().is_terminal() && !output.is_json();
    let draft = if asks {
        match ask::draft(&registry, args, output)? {
            Some(draft) => Ok(draft),
            None => return Ok(Exit::Failed),
        }
    } else {
        Draft::of_flags(&registry, args)
    };
    let draft = match draft.and_then(Draft::completed) {
        Ok(draft) => draft,
        Err(Mistake(what)) => return Failure::usage(what).report(output),
    };
    let text = file::text(&draft, &registry);
    let variables = draft.variables();
    if args.stdout {
        output.line(text.trim_end())?;
        return Ok(Exit::Done);
    }
    if let Err(error) = write(&args.file, &text, args.force) {
        let name = args.file.display();
        let what = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{name} exists; nothing was written. Use --force to replace it")
            }
            _ => format!("{name} cannot be written: {error}"),
        };
        return Failure::here(what).report(output);
    }
    if output.is_json() {
        output.json(&json!({
            "file": args.file,
            "variables": variables,
            "examples": draft.examples(),
        }))?;
        return Ok(Exit::Done);
    }
    output.line(format_args!("{} is written. Next:", args.file.display()))?;
    for (path, value) in draft.examples() {
        output.line(format_args!("  replace the example of {path}: {value}"))?;
    }
    for (name, hint) in variables {
        output.line(format_args!("  export {name}=...    # {hint}"))?;
    }
    let file = args.file.display();
    output.line(format_args!("  otpmux check-config {file}"))?;
    output.line(format_args!("  otpmux serve --config {file}"))?;
    Ok(Exit::Done)
}

/// Writes the file. It holds no secret, so its mode is the usual one.
fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path)?.write_all(text.as_bytes())
}
