//! `otpmux verify`

use std::io;
use std::net::IpAddr;

use otpmux::{Code, CountryCode, ExternalId, Selector, Verify};

use super::backend::Backend;
use super::{Place, code, purpose};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true),
    after_help = "\
One of ID, --to and --external-id selects the verification:

  otpmux verify \"$id\" --code 004217
  otpmux verify --to +919876543210 --purpose login --code 004217"
)]
pub(crate) struct Args {
    /// The id of the verification, which `send` returned
    #[arg(value_name = "ID", group = "which")]
    id: Option<String>,
    /// The recipient: selects its newest verification for the --purpose
    #[arg(long, value_name = "RECIPIENT", group = "which")]
    to: Option<String>,
    /// Your own id, the value of `send --external-id`: selects the verification for the --purpose
    #[arg(long, value_name = "NAME", group = "which")]
    external_id: Option<String>,
    /// The purpose that the code was sent for, with --to or --external-id
    #[arg(long, conflicts_with = "id")]
    purpose: Option<String>,
    /// The country of a number in national form, such as IN [default: that of the policy]
    #[arg(long, conflicts_with_all = ["id", "external_id"])]
    country: Option<String>,
    #[command(flatten)]
    place: Place,
    /// The code, tried once. Other users of this machine may see arguments. Without it, codes are
    /// read from standard input, one per line, until one is right
    #[arg(long)]
    code: Option<String>,
    /// Idempotency key: a repeat with the same key and code counts once and returns the same
    /// verdict
    #[arg(long, value_name = "NAME", requires = "code")]
    idempotency_key: Option<String>,
    /// The address of the user's device: wrong codes from one address do not lock out users at
    /// another
    #[arg(long, value_name = "ADDRESS")]
    client_ip: Option<IpAddr>,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    // Parsed here and not by clap, which would repeat the code.
    let code = match args.code.as_deref().map(str::parse::<Code>).transpose() {
        Ok(code) => code,
        Err(error) => {
            return Failure::usage(format!("--code: {error}; this did not count")).report(output);
        }
    };
    let (backend, which) = match select(args).await {
        Ok(selected) => selected,
        Err(failure) => return failure.report(output),
    };
    let mut verify = Verify::new();
    verify.client = args.client_ip;
    verify.idempotency_key.clone_from(&args.idempotency_key);
    match code {
        Some(code) => Ok(code::check(&backend, &which, &code, verify, output).await?.1),
        None => code::ask(&backend, &which, &verify, output).await,
    }
}

/// Opens the backend, and reads what selects the verification.
async fn select(args: &Args) -> Result<(Backend, Selector), Failure> {
    let purpose = purpose(args.purpose.as_deref())?;
    let country = args.country.as_deref().map(str::parse::<CountryCode>).transpose();
    let country = country.map_err(|error| Failure::usage(format!("--country: {error}")))?;
    // Parsed here and not by clap, which would repeat the text; it may be personal.
    let id = args.id.as_deref().map(str::parse).transpose();
    let id = id.map_err(|error| Failure::usage(format!("ID: {error}")))?;
    let external = args.external_id.as_deref().map(ExternalId::new).transpose();
    let external = external.map_err(|error| Failure::usage(format!("--external-id: {error}")))?;
    let backend = args.place.open_shared()?;
    let which = match (id, external) {
        (Some(id), _) => Selector::Id(id),
        (None, Some(external)) => Selector::external(external, purpose),
        (None, None) => {
            // clap requires one of the three.
            let to = args.to.as_deref().unwrap_or_default();
            let to = backend.read_recipient(to, country).await?;
            let to = to.map_err(|error| Failure::usage(format!("--to: {error}")))?;
            Selector::recipient(to, purpose)
        }
    };
    Ok((backend, which))
}
