//! The five verbs.

mod backend;
pub(crate) mod cancel;
mod code;
pub(crate) mod deliver;
pub(crate) mod delivery;
mod gateway;
pub(crate) mod resend;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod verify;

use otpmux::errors::RecipientError;
use otpmux::{Channel, CountryCode, NewVerification, Purpose, Recipient, VerificationId};

use crate::failure::Failure;
use backend::Backend;
pub(crate) use backend::Place;
pub(crate) use gateway::{Gateway, api_key};

/// A verification of an earlier send.
#[derive(clap::Args)]
pub(crate) struct Sent {
    /// The id of the verification, which `send` returned
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    place: Place,
}

impl Sent {
    fn open(&self) -> Result<(Backend, VerificationId), Failure> {
        // Parsed here and not by clap, which would repeat the text; it may be a number.
        let id = self.id.parse().map_err(|error| Failure::usage(format!("ID: {error}")))?;
        Ok((self.place.open_shared()?, id))
    }
}

fn channel(text: Option<&str>) -> Result<Option<Channel>, Failure> {
    let parse = |text: &str| text.parse();
    text.map(parse).transpose().map_err(|error| Failure::usage(format!("--channel: {error}")))
}

fn purpose(text: Option<&str>) -> Result<Purpose, Failure> {
    let parse = |text| Purpose::new(text);
    let purpose = text.map(parse).transpose();
    let purpose = purpose.map_err(|error| Failure::usage(format!("--purpose: {error}")))?;
    Ok(purpose.unwrap_or_default())
}

/// The options of a message that routing uses.
#[derive(clap::Args)]
pub(crate) struct Wishes {
    /// The channel: sms, voice, email, whatsapp or a vendor's word [default: sms for a number,
    /// email for an address]
    #[arg(long)]
    channel: Option<String>,
    /// The purpose: a code for one purpose is not valid for another
    #[arg(long)]
    purpose: Option<String>,
    /// The language of the message, such as pt
    #[arg(long)]
    locale: Option<String>,
    /// The value of a variable that [messages.variables] declares; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<String>,
    /// The name of the service in the text, in place of the configured one
    #[arg(long)]
    brand: Option<String>,
    /// The text of the message, with {code} in place of the code, in place of the configured one
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The country of a number in national form, such as IN [default: that of the policy]
    #[arg(long)]
    country: Option<String>,
}

impl Wishes {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { channel, purpose, locale, variable, brand, message, country } = self;
        let texts = [channel, purpose, locale, brand, message, country];
        texts.iter().all(|text| text.is_none()) && variable.is_empty()
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(crate) fn country(&self) -> Result<Option<CountryCode>, Failure> {
        let country = self.country.as_deref().map(str::parse).transpose();
        country.map_err(|error| Failure::usage(format!("--country: {error}")))
    }

    /// Returns a verification of this recipient with these options. `option` is the option that
    /// holds the recipient.
    pub(crate) fn new_verification(
        &self,
        to: Result<Recipient, RecipientError>,
        option: &str,
    ) -> Result<NewVerification, Failure> {
        // Not parsed by clap, which would repeat the number.
        let to = to.map_err(|error| Failure::usage(format!("{option}: {error}")))?;
        let mut new = NewVerification::to(to);
        new.options.channel = channel(self.channel.as_deref())?;
        new.options.purpose = purpose(self.purpose.as_deref())?;
        new.options.locale.clone_from(&self.locale);
        new.options.brand.clone_from(&self.brand);
        new.options.message.clone_from(&self.message);
        for variable in &self.variable {
            // The mistake does not repeat a value, which may be personal.
            let (name, value) = variable.split_once('=').ok_or_else(|| {
                Failure::usage("--variable: must be NAME=VALUE, such as name=Ann")
            })?;
            new.options.variables.insert(name.to_owned(), value.to_owned());
        }
        Ok(new)
    }
}
