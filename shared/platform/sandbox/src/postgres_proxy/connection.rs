//! One connection through the proxy: two streams of bytes, and the faults on them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::frames::Frames;
use super::state::{Action, Counts, State};

pub(super) struct Connection {
    state: watch::Receiver<State>,
    counts: Arc<Counts>,
    cuts: u64,
    half_opens: u64,
}

/// The fault on the next bytes from the server.
#[derive(Clone, Copy)]
enum Answer {
    Pass,
    HoldUntil(Instant),
    Lose,
}

/// The reason why the connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// One end has left, and the other sees it.
    Left,
    Cut,
    HalfOpen,
}

impl Connection {
    pub(super) fn new(state: watch::Receiver<State>, counts: Arc<Counts>) -> Self {
        let (cuts, half_opens) = {
            let now = state.borrow();
            (now.cuts, now.half_opens)
        };
        Self {
            state,
            counts,
            cuts,
            half_opens,
        }
    }

    /// Forwards bytes until an end leaves or the connection is cut.
    pub(super) async fn run(self, mut client: TcpStream, mut server: TcpStream) {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let end = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let (answers, answering) = watch::channel(Answer::Pass);
            tokio::select! {
                end = self.send(from_client, to_server, answers) => end.unwrap_or(End::Left),
                end = self.answer(from_server, to_client, answering) => end.unwrap_or(End::Left),
                end = self.broken() => end,
            }
        };
        match end {
            End::Left => {}
            End::Cut => {
                // Both ends see a reset instead of a graceful close.
                let _ = (client.set_zero_linger(), server.set_zero_linger());
            }
            End::HalfOpen => {
                drop(server);
                self.leave_unanswered(client).await;
            }
        }
    }

    async fn send(
        &self,
        mut client: ReadHalf<'_>,
        mut server: WriteHalf<'_>,
        answers: watch::Sender<Answer>,
    ) -> io::Result<End> {
        let (mut frames, mut buffer) = (Frames::default(), [0; 16 * 1024]);
        loop {
            let read = client.read(&mut buffer).await?;
            self.unstalled().await;
            if read == 0 {
                return Ok(End::Left);
            }
            frames.extend(&buffer[..read]);
            while let Some((message, statement)) = frames.next() {
                let (delay, action) = {
                    let now = self.state.borrow();
                    let action = statement.and_then(|statement| now.action(&statement));
                    (now.to_server, action)
                };
                self.counts
                    .acted
                    .fetch_add(action.is_some().into(), Ordering::SeqCst);
                let answer = match action {
                    None => None,
                    Some(Action::Cut) => return Ok(End::Cut),
                    Some(Action::LoseAnswer) => Some(Answer::Lose),
                    Some(Action::DelayAnswer(delay)) => {
                        Some(Answer::HoldUntil(Instant::now() + delay))
                    }
                };
                if let Some(answer) = answer {
                    answers.send_replace(answer);
                }
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                self.unstalled().await;
                server.write_all(&message).await?;
            }
        }
    }

    async fn answer(
        &self,
        mut server: ReadHalf<'_>,
        mut client: WriteHalf<'_>,
        answers: watch::Receiver<Answer>,
    ) -> io::Result<End> {
        let mut buffer = [0; 16 * 1024];
        loop {
            let read = server.read(&mut buffer).await?;
            let answer = *answers.borrow();
            match answer {
                Answer::HoldUntil(time) if time > Instant::now() => self.hold(time).await,
                Answer::Lose => return Ok(End::Cut),
                _ => {}
            }
            let delay = self.state.borrow().to_client;
            if !delay.is_zero() {
                sleep(delay).await;
            }
            self.unstalled().await;
            if read == 0 {
                return Ok(End::Left);
            }
            client.write_all(&buffer[..read]).await?;
        }
    }

    /// Waits until `time`, or until the faults end.
    async fn hold(&self, time: Instant) {
        let _held = Held::count(&self.counts.held);
        let mut state = self.state.clone();
        tokio::select! {
            () = sleep_until(time) => {}
            _ = state.wait_for(|state| state.rules.is_empty()) => {}
        }
    }

    /// Waits while the network is stalled.
    async fn unstalled(&self) {
        let mut state = self.state.clone();
        // If the proxy is dropped, the connection is cut, which `broken` sees.
        let _ = state.wait_for(|state| !state.stalled).await;
    }

    /// Waits until the connection is cut or half-open.
    async fn broken(&self) -> End {
        let mut state = self.state.clone();
        let is_broken =
            |state: &State| state.cuts > self.cuts || state.half_opens > self.half_opens;
        match state.wait_for(is_broken).await {
            Ok(state) if state.cuts == self.cuts => End::HalfOpen,
            _ => End::Cut,
        }
    }

    /// Discards the bytes of a client until it leaves or is cut.
    async fn leave_unanswered(&self, mut client: TcpStream) {
        let (mut state, mut buffer) = (self.state.clone(), [0; 1024]);
        let discard = async { while let Ok(1..) = client.read(&mut buffer).await {} };
        tokio::select! {
            () = discard => {}
            _ = state.wait_for(|state| state.cuts > self.cuts) => {}
        }
    }
}

/// Increments a counter for as long as it lives.
struct Held<'a>(&'a AtomicUsize);

impl<'a> Held<'a> {
    fn count(counter: &'a AtomicUsize) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
