//! HTTP/1.1 by hand: exact bytes on a connection of their own, and a tolerant reader of what comes back.

mod message;
mod read;

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, split},
    time::{Instant, timeout_at},
};

pub(super) use message::Message;

use super::{
    Failure, Outcome,
    failure::{self, Place},
    transport::HttpSettings,
};
use read::{Reader, Stop};

/// A stream that bytes go over: TCP, TLS or a pipe in memory.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The limits of one exchange.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) whole: Duration,
    /// In bytes.
    pub(super) body_cap: usize,
}

impl Limits {
    pub(super) fn of(settings: &HttpSettings) -> Limits {
        Limits {
            connect: settings.connect_timeout,
            first_byte: settings.first_byte_timeout,
            whole: settings.whole_timeout,
            body_cap: settings.body_cap,
        }
    }
}

/// Sends a message over an established connection and reads the response, under the same limits and with the same
/// classes of failure as any other exchange. `start` is when the exchange began, before the connection stood.
pub(super) async fn exchange(
    stream: impl Stream,
    message: &Message,
    place: &Place,
    limits: Limits,
    start: Instant,
) -> Result<Outcome, Failure> {
    let whole = start + limits.whole;
    let first_byte = whole.min(Instant::now() + limits.first_byte);
    let (reader, mut writer) = split(stream);
    let mut reader = Reader::new(reader, limits.body_cap, message.expects_no_body());
    let write = async {
        writer.write_all(&message.bytes).await?;
        writer.flush().await?;
        if message.breaks_off {
            writer.shutdown().await?;
        }
        Ok::<(), std::io::Error>(())
    };
    let read = async {
        let head = match timeout_at(first_byte, reader.head()).await {
            Ok(Ok(head)) => head,
            Ok(Err(Stop::Io(error))) => return Err(failure::before_head(&error, place)),
            Ok(Err(Stop::NotHttp(what))) => return Err(failure::not_http(place, what)),
            Err(_) => return Err(failure::first_byte_timeout(place, first_byte - start)),
        };
        Ok(Outcome::Response(reader.body(head, whole).await))
    };
    let (mut write, mut read) = (std::pin::pin!(write), std::pin::pin!(read));
    let mut written = false;
    loop {
        tokio::select! {
            // A server may answer before it has read everything, and one that hangs up in the middle may have said
            // why: what could not be written is no failure by itself.
            _ = &mut write, if !written => written = true,
            outcome = &mut read => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
