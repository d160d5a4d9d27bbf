//! Collects the presets: one kind, with its keys, for each file `presets/NAME.toml`. The files are
//! the only place that names them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use toml::{Table, Value};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=presets");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("presets");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let (mut presets, mut adapters, mut items) = (String::new(), String::new(), String::new());
    for (at, path) in files.iter().enumerate() {
        let preset = Preset::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        preset.write(at, &mut presets, &mut adapters, &mut items)?;
    }
    let text = format!(
        "#[allow(unused_imports, reason = \"which of them are used depends on the presets\")]\n\
         use {{otpmux_core::settings::Setting, crate::config::{{HTTP, RECEIPTS, VERIFY_TOKEN}}}};\n\n\
         /// Every definition of this repository, by kind.\n\
         pub const PRESETS: &[Preset] = &[\n{presets}];\n\n\
         /// The adapters of the presets, for a registry.\n\
         pub const ADAPTERS: &[Adapter] = &[\n{adapters}];\n\n{items}"
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("presets.rs"), text)?;
    Ok(())
}

struct Preset<'p> {
    kind: &'p str,
    table: Table,
}

impl<'p> Preset<'p> {
    fn read(path: &'p Path) -> Result<Self, Box<dyn Error>> {
        let kind = path.file_stem().and_then(|stem| stem.to_str()).ok_or("not a name")?;
        let table = fs::read_to_string(path)?.parse()?;
        Ok(Self { kind, table })
    }

    fn text(&self, key: &str) -> Result<&str, String> {
        let text = self.table.get(key).and_then(Value::as_str);
        text.ok_or_else(|| format!("`{key}` is missing, or not text"))
    }

    fn write(
        &self,
        at: usize,
        presets: &mut String,
        adapters: &mut String,
        items: &mut String,
    ) -> Result<(), Box<dyn Error>> {
        let (kind, name, doc) = (self.kind, self.text("name")?, self.text("doc")?);
        // Relative to the crate: a build directory may be used from several checkouts.
        let place = format!("/presets/{kind}.toml");
        let file = format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {place:?}))");
        writeln!(
            presets,
            "    Preset {{ kind: {kind:?}, name: {name:?}, doc: {doc:?}, toml: {file} }},"
        )?;
        let receipts = self.table.get("receipts");
        let mut lists = format!("SETTINGS_{at}, HTTP");
        if receipts.is_some() {
            lists.push_str(", RECEIPTS");
        }
        if receipts.and_then(|receipts| receipts.get("challenge")).is_some() {
            lists.push_str(", VERIFY_TOKEN");
        }
        writeln!(
            adapters,
            "    Adapter::new({kind:?}, &[{lists}], build_{at}).with_describe(describe_{at}),"
        )?;
        writeln!(items, "const SETTINGS_{at}: &[Setting] = &[")?;
        let none = Table::new();
        let settings = self.table.get("settings").and_then(Value::as_table).unwrap_or(&none);
        for (name, setting) in settings {
            let setting = declaration(name, setting).map_err(|error| format!("{name}: {error}"))?;
            writeln!(items, "    {setting},")?;
        }
        writeln!(
            items,
            "];\n\
             fn build_{at}(id: ProviderId, settings: &Settings) -> Result<Arc<dyn OtpProvider>, ConfigError> {{\n    \
                 PRESETS[{at}].build(id, settings)\n\
             }}\n\
             fn describe_{at}(settings: &Settings) -> Result<Capabilities, Vec<ConfigError>> {{\n    \
                 PRESETS[{at}].describe(settings)\n\
             }}\n"
        )?;
        Ok(())
    }
}

/// Returns the declaration of a setting, in Rust. The reader of definitions checks the rest.
fn declaration(name: &str, setting: &Value) -> Result<String, Box<dyn Error>> {
    let text = |key: &str| setting.get(key).and_then(Value::as_str);
    let number = |key: &str| setting.get(key).and_then(Value::as_integer);
    let doc = text("doc").ok_or("`doc` is missing")?;
    let mut rust = match text("type").ok_or("`type` is missing")? {
        "text" => format!("Setting::text({name:?}, {doc:?})"),
        "secret" => format!("Setting::secret({name:?}, {doc:?})"),
        "flag" => format!("Setting::flag({name:?}, {doc:?})"),
        "integer" => {
            let (min, max) = (number("min").ok_or("no `min`")?, number("max").ok_or("no `max`")?);
            format!("Setting::integer({name:?}, {min}..={max}, {doc:?})")
        }
        "choice" => {
            let words = setting.get("words").and_then(Value::as_array).ok_or("no `words`")?;
            let words: Option<Vec<_>> = words.iter().map(Value::as_str).collect();
            format!("Setting::choice({name:?}, &{:?}, {doc:?})", words.ok_or("`words` are texts")?)
        }
        other => return Err(format!("unknown type {other}").into()),
    };
    if setting.get("required").and_then(Value::as_bool) == Some(true) {
        rust.push_str(".required()");
    }
    for (key, call) in [("default", "with_default"), ("example", "with_example")] {
        let value = match setting.get(key) {
            None => continue,
            Some(Value::String(text)) => format!("{text:?}"),
            Some(Value::Integer(number)) => format!("{number}_i64"),
            Some(Value::Boolean(flag)) => flag.to_string(),
            Some(_) => return Err(format!("`{key}` has no type of a setting").into()),
        };
        write!(rust, ".{call}(|| serde_json::Value::from({value}))")?;
    }
    Ok(rust)
}
