//! `otpmux schema`

mod markdown;

use std::io;

use otpmux::config::{Registry, config_schema};

use crate::Exit;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print a reference for people, in Markdown
    #[arg(long)]
    markdown: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let schema = config_schema(&Registry::with_compiled_in());
    if args.markdown {
        output.line(markdown::reference(&schema).trim_end())?;
    } else {
        output.line(format_args!("{schema:#}"))?;
    }
    Ok(Exit::Done)
}
