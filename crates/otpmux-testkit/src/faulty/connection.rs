use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Connection, Request, Step};

/// A connection and its place in the record.
pub(super) struct Player {
    pub(super) stream: TcpStream,
    pub(super) record: watch::Sender<Vec<Connection>>,
    pub(super) index: usize,
    pub(super) released: watch::Receiver<bool>,
    /// The start of the next request in the received bytes.
    pub(super) next: usize,
}

impl Player {
    pub(super) async fn play(mut self, steps: &[Step]) {
        // Writes fail after the client has closed; no more can be known here.
        let _ = self.run(steps).await;
        drop(self.stream);
        let index = self.index;
        self.record.send_modify(|all| all[index].ended = true);
    }

    async fn run(&mut self, steps: &[Step]) -> io::Result<()> {
        let mut at = 0;
        while let Some(step) = steps.get(at) {
            at += 1;
            match step {
                Step::Wait => {
                    // The server outlives its connections, so the sender exists.
                    let _ = self.released.wait_for(|released| *released).await;
                }
                Step::Notice => {
                    self.stream.peek(&mut [0]).await?;
                }
                Step::Read => self.read_request().await?,
                Step::Write(bytes) => self.write(bytes).await?,
                Step::Trickle { bytes, pause } => {
                    for byte in bytes {
                        self.write(&[*byte]).await?;
                        sleep(*pause).await;
                    }
                }
                Step::Spaces(count) => {
                    let chunk = [b' '; 8_192];
                    let mut left = *count;
                    while left > 0 {
                        let now = left.min(chunk.len() as u64);
                        self.write(&chunk[..usize::try_from(now).unwrap_or(chunk.len())]).await?;
                        left -= now;
                    }
                }
                Step::Again => at = 0,
                Step::Silence => while self.receive().await? > 0 {},
                Step::Close => return Ok(()),
                Step::Reset => return self.stream.set_zero_linger(),
            }
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        let (index, written) = (self.index, bytes.len() as u64);
        self.record.send_modify(|all| all[index].written += written);
        Ok(())
    }

    async fn read_request(&mut self) -> io::Result<()> {
        let begin = self.next;
        while self.next == begin {
            if self.receive().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Reads the available bytes and records the requests in them; `self.next` moves when one is
    /// whole.
    async fn receive(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 8_192];
        let count = self.stream.read(&mut chunk).await?;
        let (index, mut next) = (self.index, self.next);
        self.record.send_modify(|all| {
            let connection = &mut all[index];
            connection.bytes.extend_from_slice(&chunk[..count]);
            connection.requests.pop_if(|last| !last.whole);
            while let Some((request, taken)) = Request::parse(&connection.bytes[next..]) {
                let whole = request.whole;
                connection.requests.push(request);
                if !whole {
                    break;
                }
                next += taken;
            }
        });
        self.next = next;
        Ok(count)
    }
}
