//! Reads what [`Encode`](crate::encoder::Encode) and scripts write. Nothing here trusts a length.

use std::time::{Duration, SystemTime};

use crate::encoder::LONG;
use crate::error::CallError;

pub(crate) type Read<T> = Result<T, CallError>;

/// The bytes that are not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CallError::Unreadable)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(crate) fn byte(&mut self) -> Read<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CallError::Unreadable),
        }
    }

    pub(crate) fn number(&mut self) -> Read<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn place(&mut self) -> Read<usize> {
        self.array().map(u16::from_be_bytes).map(usize::from)
    }

    pub(crate) fn long_number(&mut self) -> Read<u64> {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.array::<6>()?);
        Ok(u64::from_be_bytes(bytes))
    }

    pub(crate) fn time(&mut self) -> Read<SystemTime> {
        let since = Duration::from_millis(self.long_number()?);
        SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)
    }

    pub(crate) fn field(&mut self) -> Read<&'a [u8]> {
        let length = match self.byte()? {
            LONG => usize::try_from(self.number()?).map_err(|_| CallError::Unreadable)?,
            short => usize::from(short),
        };
        let (field, rest) = self.0.split_at_checked(length).ok_or(CallError::Unreadable)?;
        self.0 = rest;
        Ok(field)
    }

    pub(crate) fn text(&mut self) -> Read<&'a str> {
        str::from_utf8(self.field()?).map_err(|_| CallError::Unreadable)
    }

    /// Reads a field that has so many bytes or none.
    pub(crate) fn maybe<const N: usize>(&mut self) -> Read<Option<[u8; N]>> {
        match self.field()? {
            [] => Ok(None),
            field => field.try_into().map(Some).map_err(|_| CallError::Unreadable),
        }
    }

    /// Returns the rest.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn end(self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(CallError::Unreadable) }
    }
}
