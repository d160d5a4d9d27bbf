//! The adapters of this workspace, each behind the feature of its name.
//!
//! This is the only list of vendors: the registry, the kinds in error messages, the schema, the
//! README's table and the tests are made from it or compared with it. To add a vendor, add its
//! folder under `crates/adapters`, a line here, and the dependency and the feature in `Cargo.toml`.

use otpmux_core::settings::Adapter;

/// Takes `name = crate;` for each vendor. The name is the `kind` in the configuration, the feature
/// and the module. (It is a string, because a `cfg` takes no identifier.)
macro_rules! vendors {
    ($($name:literal: $krate:ident as $module:ident;)+) => {
        $(
            #[cfg(feature = $name)]
            #[cfg_attr(docsrs, doc(cfg(feature = $name)))]
            pub use $krate as $module;
        )+

        /// Every kind that a feature of this crate adds to a configuration, whether it is compiled
        /// in or not.
        pub const KINDS: &[&str] = &[$($name),+];

        /// The adapters whose features are on.
        pub(crate) const COMPILED_IN: &[Adapter] = &[
            $(
                #[cfg(feature = $name)]
                $krate::ADAPTER,
            )+
        ];
    };
}

vendors! {
    "easyotp": otpmux_easyotp as easyotp;
    "startmessaging": otpmux_startmessaging as startmessaging;
    "airtexts": otpmux_airtexts as airtexts;
    "twilioverify": otpmux_twilioverify as twilioverify;
    "vonageverify": otpmux_vonageverify as vonageverify;
    "smtp": otpmux_smtp as smtp;
    "aws": otpmux_aws as aws;
    "msg91": otpmux_msg91 as msg91;
    "infobip2fa": otpmux_infobip2fa as infobip2fa;
    "prelude": otpmux_prelude as prelude;
    "telnyxverify": otpmux_telnyxverify as telnyxverify;
    "plivoverify": otpmux_plivoverify as plivoverify;
}

#[cfg(feature = "presets")]
#[cfg_attr(docsrs, doc(cfg(feature = "presets")))]
pub use otpmux_generic_http as generic_http;

/// Returns the adapters whose features are on: those above, any HTTP vendor by configuration, and
/// the presets.
pub(crate) fn compiled_in() -> Vec<Adapter> {
    let adapters = COMPILED_IN.iter().copied();
    #[cfg(feature = "presets")]
    let adapters =
        adapters.chain([generic_http::ADAPTER]).chain(generic_http::ADAPTERS.iter().copied());
    adapters.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn manifest() -> toml::Table {
        include_str!("../Cargo.toml").parse().unwrap()
    }

    /// Returns what a feature of this crate enables.
    fn feature(name: &str) -> Vec<String> {
        let features = manifest()["features"].clone();
        let list = features.get(name).unwrap_or_else(|| panic!("there is no feature {name}"));
        list.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_vendor_has_a_feature() {
        let named = feature("all-vendors");
        assert!(feature("default").iter().all(|feature| named.contains(feature)));
        assert!(feature("full").contains(&"all-vendors".to_owned()));
        let mut all = feature("all-vendors");
        all.retain(|feature| feature != "presets");
        assert_eq!(all, KINDS);
        for kind in KINDS {
            assert!(feature(kind).contains(&format!("dep:otpmux-{kind}")), "{kind}");
        }
    }

    #[test]
    fn no_kind_is_there_twice() {
        let kinds: BTreeSet<_> = compiled_in().iter().map(|adapter| adapter.kind).collect();
        assert_eq!(kinds.len(), compiled_in().len());
    }

    #[test]
    fn every_adapter_has_the_kind_that_its_line_says() {
        let adapters: BTreeSet<_> = COMPILED_IN.iter().map(|adapter| adapter.kind).collect();
        assert_eq!(adapters.len(), COMPILED_IN.len(), "a kind is there twice");
        assert!(adapters.is_subset(&KINDS.iter().copied().collect()), "{adapters:?}");
        if cfg!(feature = "all-vendors") {
            assert_eq!(adapters.len(), KINDS.len());
        }
    }

    #[test]
    fn every_folder_of_an_adapter_has_its_line() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../adapters");
        // A published package is tested without the folders beside it.
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let entries = entries.map(Result::unwrap).filter(|entry| entry.path().is_dir());
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        // The template is not a vendor; its test instantiates it.
        let mut folders: BTreeSet<_> = names.filter(|name| !name.starts_with('_')).collect();
        // Not a vendor: any vendor, and the presets.
        assert!(folders.remove("http"));
        assert_eq!(folders, KINDS.iter().map(|kind| (*kind).to_owned()).collect());
    }
}
