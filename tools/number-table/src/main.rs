//! Writes `crates/otpmux-core/src/numbers/table.rs` and the golden numbers of its tests from the
//! metadata of libphonenumber that rlibphonenumber has. Run it after an update of that crate:
//! `just numbers`.

mod golden;
mod metadata;
mod plan;
mod tree;
mod write;

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/otpmux-core");
    let source = metadata::load()?;
    let tree = tree::Tree::build(&source);
    write_changed(&core.join("src/numbers/table.rs"), &write::table(&source, &tree)?)?;
    write_changed(&core.join("tests/data/numbers.txt"), &golden::golden(&source))?;
    Ok(())
}

/// Writes a file whose contents are different. A file that was only touched would make cargo build the whole
/// workspace again.
fn write_changed(path: &Path, contents: &str) -> io::Result<()> {
    match fs::read_to_string(path) {
        Ok(present) if present == contents => Ok(()),
        _ => fs::write(path, contents),
    }
}
