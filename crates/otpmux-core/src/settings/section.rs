use serde_json::{Map, Value};

use super::{ConfigError, Setting, Settings, reader};
use crate::Secret;

/// A struct whose fields are configuration keys; [`settings!`](crate::settings!) implements it.
pub trait Section: Default {
    /// The declarations of the keys, those of nested structs included.
    const KEYS: &'static [&'static [Setting]];

    /// Sets the values that were read. Fields whose keys are absent do not change.
    fn apply(&mut self, settings: &Settings);

    /// Returns the values in the form of a file, in the order of [`KEYS`](Self::KEYS). A field that
    /// a file would omit and a secret are JSON `null`.
    fn values(&self) -> Vec<Value>;

    /// Returns the secrets, each with its key.
    fn secrets(&self) -> Vec<(&'static str, Secret)>;

    /// Returns the declarations of all lists.
    fn keys() -> impl Iterator<Item = &'static Setting> + Clone {
        Self::KEYS.iter().copied().flatten()
    }

    /// Checks each value that differs from its default against the range of its declaration, and
    /// that the required values are set.
    ///
    /// # Errors
    ///
    /// The first value that would be invalid in a file too, with its key as the path.
    fn check(&self) -> Result<(), ConfigError> {
        check(Self::KEYS, &self.changed(), &self.secrets())
    }

    /// Returns the values that differ from the defaults, by key, in the form of a file.
    fn changed(&self) -> Map<String, Value> {
        changed(Self::KEYS, self.values(), &Self::default().values())
    }
}

// Functions of their own, so that they are compiled once and not for each section.

fn check(
    keys: &[&[Setting]],
    changed: &Map<String, Value>,
    secrets: &[(&str, Secret)],
) -> Result<(), ConfigError> {
    let keys = || keys.iter().copied().flatten();
    for key in keys().filter(|key| key.required) {
        if !changed.contains_key(key.name) && !secrets.iter().any(|(name, _)| *name == key.name) {
            return Err(missing(key.name));
        }
    }
    let mut changed = keys().filter_map(|key| Some((key, changed.get(key.name)?)));
    changed.try_for_each(|(key, value)| reader::check(key, value))
}

fn changed(keys: &[&[Setting]], values: Vec<Value>, defaults: &[Value]) -> Map<String, Value> {
    let keys = keys.iter().copied().flatten();
    let mut changed = Map::new();
    for ((key, value), default) in keys.zip(values).zip(defaults) {
        if value != *default {
            changed.insert(key.name.to_owned(), value);
        }
    }
    changed
}

/// Returns the value of a required key.
///
/// # Errors
///
/// The key is absent. This is possible only for a struct created in code.
pub fn required<T>(key: &str, value: &Option<T>) -> Result<T, ConfigError>
where
    T: Clone,
{
    value.clone().ok_or_else(|| missing(key))
}

fn missing(key: &str) -> ConfigError {
    ConfigError::new(key, "missing; it is required")
}

/// Declares a struct whose fields are configuration keys. See the [module](mod@crate::settings) for
/// an example.
///
/// A line has the documentation, the field, its type
/// ([`SettingValue`](crate::settings::SettingValue)) and default, the form (a constructor of
/// [`Setting`] without name and documentation, and further calls on it), and an example as JSON.
/// `prefix "circuit_"` adds a prefix to each key. `groups` holds nested structs whose keys are in
/// the same table; `plain` holds fields that are not keys.
///
/// The macro generates the struct with public fields, `Default`, [`Section`], and a chainable
/// setter of the same name for each field.
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($body:tt)* }
    ) => {
        $crate::settings! {
            $(#[$meta])*
            $vis struct $name prefix "" { $($body)* }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident prefix $prefix:literal {
            $(
                $(#[doc = $doc:literal])+
                pub $field:ident: $type:ty = $default:expr,
                $form:ident($($arg:expr),*) $(.$more:ident($($with:expr),*))*
                $(, example $example:tt)?;
            )*
            $(groups { $( $(#[$group_meta:meta])* pub $group:ident: $group_type:ty; )* })?
            $(plain { $( $(#[$plain_meta:meta])* pub $plain:ident: $plain_type:ty = $plain_default:expr; )* })?
        }
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        $vis struct $name {
            $(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`. Form: `", stringify!($form($($arg),*)), "`.")]
                pub $field: $type,
            )*
            $($( $(#[$group_meta])* pub $group: $group_type, )*)?
            $($( $(#[$plain_meta])* pub $plain: $plain_type, )*)?
        }

        impl ::std::default::Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    $($( $group: ::std::default::Default::default(), )*)?
                    $($( $plain: $plain_default, )*)?
                }
            }
        }

        impl $crate::settings::Section for $name {
            const KEYS: &'static [&'static [$crate::settings::Setting]] = &[
                &[$(
                    $crate::settings::Setting::$form(
                        concat!($prefix, stringify!($field)),
                        $($arg,)*
                        concat!($($doc),+).trim_ascii(),
                    )
                    $(.$more($($with),*))*
                    .with_default(|| {
                        let default: $type = $default;
                        $crate::settings::SettingValue::write(&default)
                    })
                    $(.with_example(|| $crate::settings::json!($example)))?
                ),*],
                $($( <$group_type as $crate::settings::Section>::KEYS[0], )*)?
            ];

            fn apply(&mut self, settings: &$crate::settings::Settings) {
                $(
                    let key = concat!($prefix, stringify!($field));
                    if let Some(value) = $crate::settings::SettingValue::read(settings, key) {
                        self.$field = value;
                    }
                )*
                // By the trait's name: a group may have other methods with these names.
                $($( $crate::settings::Section::apply(&mut self.$group, settings); )*)?
            }

            fn values(&self) -> ::std::vec::Vec<$crate::settings::Json> {
                #[allow(unused_mut, reason = "only groups add values")]
                let mut values = vec![
                    $($crate::settings::SettingValue::write(&self.$field)),*
                ];
                $($( values.extend($crate::settings::Section::values(&self.$group)); )*)?
                values
            }

            fn secrets(&self) -> ::std::vec::Vec<(&'static str, $crate::Secret)> {
                let secrets = [$(
                    $crate::settings::SettingValue::secret(&self.$field)
                        .map(|secret| (concat!($prefix, stringify!($field)), secret))
                ),*];
                #[allow(unused_mut, reason = "only groups add secrets")]
                let mut secrets: ::std::vec::Vec<_> = secrets.into_iter().flatten().collect();
                $($( secrets.extend($crate::settings::Section::secrets(&self.$group)); )*)?
                secrets
            }
        }

        impl $name {
            $(
                $(#[doc = $doc])+
                #[must_use]
                pub fn $field(
                    mut self,
                    value: $crate::__setter_argument!($form, $type),
                ) -> Self {
                    self.$field = $crate::settings::SettingValue::given(value.into());
                    self
                }
            )*
            $($(
                $(#[$group_meta])*
                #[must_use]
                pub fn $group(mut self, value: $group_type) -> Self {
                    self.$group = value;
                    self
                }
            )*)?
        }
    };
}

/// The argument type of a setter. An integer needs no suffix.
#[doc(hidden)]
#[macro_export]
macro_rules! __setter_argument {
    (integer, $type:ty) => { <$type as $crate::settings::SettingValue>::Given };
    ($form:ident, $type:ty) => { impl Into<<$type as $crate::settings::SettingValue>::Given> };
}
