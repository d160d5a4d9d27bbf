#![doc = include_str!("../README.md")]

mod file;
mod folder;

pub use file::{Call, Case, Golden, Input, NotFor, Request, Response, Wire};
pub use folder::{Folder, FolderError, Named};
