//! Writes the seeds of a target into a folder, one file each: `cargo run -p otpmux-fuzz --example seeds -- TARGET FOLDER`.
//!
//! Not a binary: those of this package are fuzz targets.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, folder] = &arguments[..] else {
        eprintln!("usage: seeds TARGET FOLDER; targets: {}", names());
        return ExitCode::from(2);
    };
    let Some(target) = otpmux_fuzz::TARGETS.iter().find(|target| target.name == name) else {
        eprintln!("unknown target {name}; the targets are {}", names());
        return ExitCode::from(2);
    };
    match write(target, Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write seeds to {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(target: &otpmux_fuzz::Target, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (place, seed) in (target.seeds)().iter().enumerate() {
        fs::write(folder.join(format!("seed-{place:04}")), seed)?;
    }
    let words = target.dictionary.iter().map(|word| format!("\"{}\"\n", quoted(word)));
    fs::write(folder.with_extension("dict"), words.collect::<String>())
}

/// A word of a libFuzzer dictionary.
fn quoted(word: &str) -> String {
    word.bytes().fold(String::new(), |text, byte| match byte {
        b'"' | b'\\' => text + "\\" + &char::from(byte).to_string(),
        b' '..=b'~' => text + &char::from(byte).to_string(),
        other => text + &format!("\\x{other:02X}"),
    })
}

fn names() -> String {
    otpmux_fuzz::TARGETS.map(|target| target.name).join(", ")
}
