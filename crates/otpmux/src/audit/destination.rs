use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::AuditTo;

/// The end of an audit log to which lines are appended.
pub(super) enum Destination {
    File { path: PathBuf, file: File },
    Stdout,
}

impl Destination {
    pub(super) fn open(to: &AuditTo) -> io::Result<Self> {
        Ok(match to {
            AuditTo::File(path) => Self::File { path: path.clone(), file: open(path)? },
            AuditTo::Stdout => Self::Stdout,
        })
    }

    /// Appends whole lines in one write. Returns how many bytes of them were written.
    ///
    /// The last process that wrote may have been killed within a line, or may have found the disk
    /// full: then a line ending comes first, so that the fragment spoils no other line.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<usize> {
        let Self::File { path, file } = self else {
            let mut stdout = io::stdout().lock();
            stdout.write_all(lines)?;
            stdout.flush()?;
            return Ok(lines.len());
        };
        if !is_still(file, path) {
            *file = open(path)?;
        }
        if ends_a_line(file) {
            return file.write(lines);
        }
        let written = file.write(&[b"\n", lines].concat())?;
        Ok(written.saturating_sub(1))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Reading its last byte is a help and no need.
    options.clone().read(true).open(path).or_else(|_| options.open(path))
}

/// Whether the path still leads to this file.
#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let identity = |it: std::fs::Metadata| (it.dev(), it.ino());
    let of_path = std::fs::metadata(path).map(identity).ok();
    of_path.is_some() && of_path == file.metadata().map(identity).ok()
}

/// Files have no identity here, so each batch opens the file.
#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> bool {
    false
}

fn ends_a_line(file: &mut File) -> bool {
    let regular = file.metadata().is_ok_and(|it| it.is_file() && it.len() > 0);
    let mut last = [0];
    // The place for reading; lines are appended wherever it is.
    let read =
        regular && file.seek(SeekFrom::End(-1)).is_ok() && file.read_exact(&mut last).is_ok();
    !read || last == *b"\n"
}
