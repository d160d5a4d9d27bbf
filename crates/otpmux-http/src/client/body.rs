use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

const UNTOUCHED: u8 = 0;
const TAKEN: u8 = 1;
const CLOSED: u8 = 2;

/// Records whether any of a request's body may have left this machine.
///
/// Invariant: a body is either taken or closed, never both. A call that found its body untouched
/// can therefore rely on that, whatever the connection's task does later.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteMarker(Arc<AtomicU8>);

impl WriteMarker {
    /// Forbids the body to leave from now on. `true` proves that none of it has left, so the vendor
    /// cannot have received the whole request. `false` proves nothing.
    pub(crate) fn close(&self) -> bool {
        match self.0.compare_exchange(UNTOUCHED, CLOSED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == CLOSED,
        }
    }

    /// Records that the body leaves; `false` if that is forbidden.
    pub(crate) fn take(&self) -> bool {
        match self.0.compare_exchange(UNTOUCHED, TAKEN, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(state) => state == TAKEN,
        }
    }
}

/// A body that sets its marker when it is first read. It cannot be cloned, so no layer of the HTTP
/// client can send it again unnoticed.
#[derive(Debug)]
pub(crate) struct MarkedBody {
    bytes: Option<Bytes>,
    marker: WriteMarker,
}

impl MarkedBody {
    /// Returns the body of a request that has none. It is never read, so its marker would be wrong.
    pub(crate) fn none() -> Self {
        Self { bytes: None, marker: WriteMarker::default() }
    }

    /// `bytes` must not be empty: as for [`none`](Self::none).
    pub(crate) fn new(bytes: Bytes, marker: WriteMarker) -> Self {
        debug_assert!(!bytes.is_empty());
        Self { bytes: Some(bytes), marker }
    }
}

impl Body for MarkedBody {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if self.marker.take() {
            Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
        } else {
            Poll::Ready(Some(Err(Closed)))
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The call has ended, and its body must not leave any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call has ended")
    }
}

impl std::error::Error for Closed {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &mut MarkedBody) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn a_body_that_was_read_may_have_left() {
        let marker = WriteMarker::default();
        let mut body = MarkedBody::new(Bytes::from_static(b"{}"), marker.clone());
        assert!(matches!(read(&mut body), Poll::Ready(Some(Ok(_)))));
        assert!(!marker.close());
    }

    #[test]
    fn a_closed_body_never_leaves() {
        let marker = WriteMarker::default();
        let mut body = MarkedBody::new(Bytes::from_static(b"{}"), marker.clone());
        assert!(marker.close());
        assert!(matches!(read(&mut body), Poll::Ready(Some(Err(Closed)))));
        assert!(marker.close(), "and asking again gives the same answer");
    }
}
