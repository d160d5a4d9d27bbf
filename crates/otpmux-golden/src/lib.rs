#![doc = include_str!("../README.md")]

mod file;
mod folder;

pub use file::{Call, Case, Dlt, Golden, Input, NotFor, ReceiptTarget, Request, Response, Wire};
pub use folder::{Folder, FolderError, Named};
