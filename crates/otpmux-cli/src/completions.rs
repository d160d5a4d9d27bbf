//! `otpmux completions`

use std::io;

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::output::Output;
use crate::{Cli, Exit};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
For bash: otpmux completions bash > ~/.local/share/bash-completion/completions/otpmux
For zsh:  otpmux completions zsh > a file `_otpmux` in a folder of $fpath
For fish: otpmux completions fish > ~/.config/fish/completions/otpmux.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "otpmux", &mut script);
    let script = String::from_utf8_lossy(&script);
    if output.is_json() {
        output.json(&json!({ "shell": args.shell.to_string(), "script": script }))?;
    } else {
        output.line(script.trim_end())?;
    }
    Ok(Exit::Done)
}
