//! `otpmux vendor new`

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde_json::json;

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

const SKELETON: &str = include_str!("skeleton.toml");

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The vendor's name, in small letters; the file is NAME.toml
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    /// Write to standard output instead of a file
    #[arg(long)]
    stdout: bool,
    /// Replace the file
    #[arg(long)]
    force: bool,
}

/// Accepts what is a provider's name too, so that the example in the file can be copied.
fn name(text: &str) -> Result<String, String> {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits { Ok(text.to_owned()) } else { Err("use a-z, 0-9 and -".to_owned()) }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let text = SKELETON.replace("acme", &args.name);
    if args.stdout {
        output.line(text.trim_end())?;
        return Ok(Exit::Done);
    }
    let file = PathBuf::from(format!("{}.toml", args.name));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(args.force).create_new(!args.force);
    let written = options.open(&file).and_then(|mut file| file.write_all(text.as_bytes()));
    let shown = file.display();
    if let Err(error) = written {
        let what = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("{shown} exists; nothing was written. Use --force to replace it")
            }
            _ => format!("{shown} cannot be written: {error}"),
        };
        return Failure::here(what).report(output);
    }
    if output.is_json() {
        output.json(&json!({ "file": shown.to_string() }))?;
        return Ok(Exit::Done);
    }
    output.line(format_args!("{shown} is written. Change it, then: otpmux vendor test {shown}"))?;
    Ok(Exit::Done)
}
