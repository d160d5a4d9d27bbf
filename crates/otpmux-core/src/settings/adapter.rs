use std::fmt;
use std::sync::Arc;

use super::{ConfigError, Section, Setting, Settings};
use crate::{Capabilities, OtpProvider, ProviderId};

/// An adapter as a registry needs it: its kind, its keys, and how to describe and build a provider.
/// [`VendorSettings::ADAPTER`] derives one from declared settings.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Adapter {
    /// The value of `kind` in the configuration.
    pub kind: &'static str,
    /// The keys of the adapter, without `kind` and `resilience`, which every provider has.
    pub settings: &'static [&'static [Setting]],
    /// Builds a provider. Opens no connection.
    pub build: BuildProvider,
    describe: Option<DescribeProvider>,
}

/// Builds a provider from settings that were read with their adapter's keys.
pub type BuildProvider = fn(ProviderId, &Settings) -> Result<Arc<dyn OtpProvider>, ConfigError>;

/// Checks settings that were read with their adapter's keys, and returns the provider's
/// capabilities, or every mistake.
pub type DescribeProvider = fn(&Settings) -> Result<Capabilities, Vec<ConfigError>>;

impl Adapter {
    /// Returns an adapter.
    pub const fn new(
        kind: &'static str,
        settings: &'static [&'static [Setting]],
        build: BuildProvider,
    ) -> Self {
        Self { kind, settings, build, describe: None }
    }

    /// Sets a function that checks and describes providers without building them. The default
    /// builds one and drops it.
    pub const fn with_describe(mut self, describe: DescribeProvider) -> Self {
        self.describe = Some(describe);
        self
    }

    /// Checks settings that were read with the adapter's keys, and returns the provider's
    /// capabilities.
    ///
    /// # Errors
    ///
    /// Settings that contradict each other: every mistake, at least one.
    pub fn describe(
        &self,
        id: &ProviderId,
        settings: &Settings,
    ) -> Result<Capabilities, Vec<ConfigError>> {
        match self.describe {
            Some(describe) => describe(settings),
            None => match (self.build)(id.clone(), settings) {
                Ok(provider) => Ok(provider.capabilities().clone()),
                Err(error) => Err(vec![error]),
            },
        }
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Adapter({})", self.kind)
    }
}

/// The settings of one account at a vendor: the same declarations for a file and for a builder in
/// code.
pub trait VendorSettings: Section {
    /// The value of `kind` in the configuration.
    const KIND: &'static str;

    /// The provider that they build.
    type Provider: OtpProvider + 'static;

    /// Checks that the values do not contradict each other, and returns the provider's
    /// capabilities.
    ///
    /// # Errors
    ///
    /// The first invalid value, with its key as the path.
    fn describe(&self) -> Result<Capabilities, ConfigError>;

    /// Builds a provider. Opens no connection.
    ///
    /// # Errors
    ///
    /// As [`describe`](Self::describe), or a problem of this machine.
    fn provider(&self, id: ProviderId) -> Result<Self::Provider, ConfigError>;

    /// Checks every value, then builds a provider under a name.
    ///
    /// # Errors
    ///
    /// The first invalid value, with its key as the path; or an invalid name, without a path.
    fn build_as(&self, name: &str) -> Result<Self::Provider, ConfigError> {
        self.check()?;
        let id = ProviderId::new(name).map_err(|error| ConfigError::new("", error.to_string()))?;
        self.provider(id)
    }

    /// The adapter, for a registry.
    const ADAPTER: Adapter =
        Adapter::new(Self::KIND, Self::KEYS, build::<Self>).with_describe(describe::<Self>);
}

fn build<V: VendorSettings>(
    id: ProviderId,
    settings: &Settings,
) -> Result<Arc<dyn OtpProvider>, ConfigError> {
    match read::<V>(settings).provider(id) {
        Ok(provider) => Ok(Arc::new(provider)),
        Err(error) => Err(settings.locate(error)),
    }
}

fn describe<V: VendorSettings>(settings: &Settings) -> Result<Capabilities, Vec<ConfigError>> {
    read::<V>(settings).describe().map_err(|error| vec![settings.locate(error)])
}

fn read<V: VendorSettings>(settings: &Settings) -> V {
    let mut read = V::default();
    read.apply(settings);
    read
}
