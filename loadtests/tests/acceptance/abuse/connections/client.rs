//! A client that sends bytes, since no HTTP client sends any of this.

use std::future::pending;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The most bytes that a flood sends.
pub(super) const HUGE: usize = 100 << 20;
/// Long after every time-out of the shop. The longest is 30 s.
const LIMIT: Duration = Duration::from_secs(90);
/// The pause of a slow client before its next byte.
const PAUSE: Duration = Duration::from_millis(300);

/// What the client does after it has sent its bytes.
pub(super) enum Then {
    Wait,
    /// Ends its half of the connection.
    EndSending,
    /// Sends these bytes again and again, one at a time.
    Drip(&'static [u8]),
    /// Sends these bytes again and again, as fast as it can, up to [`HUGE`].
    Flood(Vec<u8>),
    /// The same, and reads no answer.
    FloodUnread(Vec<u8>),
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum End {
    /// With an answer of this status.
    Status(u16),
    /// The server closed it, without an answer.
    Closed,
    /// Not at all, within [`LIMIT`].
    StillOpen,
}

/// Sends, and returns how the connection ends.
pub(super) async fn end(address: &str, sent: Vec<u8>, then: Then) -> End {
    let end = tokio::time::timeout(LIMIT, sent_and_ended(address, sent, then)).await;
    end.unwrap_or(End::StillOpen)
}

async fn sent_and_ended(address: &str, sent: Vec<u8>, then: Then) -> End {
    let (reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    let is_read = !matches!(then, Then::FloodUnread(_));
    // A write fails when the server has closed the connection.
    let sending = async {
        writer.write_all(&sent).await?;
        go_on(&mut writer, then).await
    };
    if !is_read {
        return sending.await.map_or(End::Closed, |()| End::StillOpen);
    }
    let silent_after = async {
        let _ = sending.await;
        pending().await
    };
    tokio::select! {
        end = first_answer(reader) => end,
        end = silent_after => end,
    }
}

async fn go_on(writer: &mut OwnedWriteHalf, then: Then) -> std::io::Result<()> {
    match then {
        Then::Wait => {}
        Then::EndSending => writer.shutdown().await?,
        Then::Drip(bytes) => {
            for byte in bytes.iter().cycle() {
                writer.write_all(&[*byte]).await?;
                tokio::time::sleep(PAUSE).await;
            }
        }
        Then::Flood(bytes) | Then::FloodUnread(bytes) => {
            for _ in 0..HUGE / bytes.len() {
                writer.write_all(&bytes).await?;
            }
        }
    }
    Ok(())
}

/// Reads up to the status of the first answer.
async fn first_answer(mut reader: OwnedReadHalf) -> End {
    let mut start = *b"HTTP/1.1 200";
    match reader.read_exact(&mut start).await {
        Ok(_) => End::Status(str::from_utf8(&start[9..]).unwrap().parse().unwrap()),
        Err(_) => End::Closed,
    }
}
