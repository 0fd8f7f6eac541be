//! The operator of one arm: the task that owns its deployment and executes commands on it, one at
//! a time.

mod board;
mod command;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::events::Events;
use crate::text::Text;

pub(crate) use board::{Board, PartState, State};
pub(crate) use command::{Action, Command, Mark};

/// How often the operator looks for processes that have ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// A handle that sends commands to the operator of an arm.
#[derive(Clone)]
pub(crate) struct Operator {
    commands: mpsc::Sender<Request>,
}

struct Request {
    command: Command,
    done: oneshot::Sender<anyhow::Result<()>>,
}

struct Task {
    infrastructure: Arc<Infrastructure>,
    spec: DeploymentSpec,
    deployment: Deployment,
    board: Arc<Board>,
    events: Events,
    /// A process that died is also reported in the terminal.
    report: fn(&str),
}

impl Operator {
    /// Starts the operator. It returns the deployment when `stop` is cancelled.
    pub(crate) fn start(
        infrastructure: Arc<Infrastructure>,
        spec: DeploymentSpec,
        deployment: Deployment,
        board: Arc<Board>,
        events: Events,
        report: fn(&str),
        stop: CancellationToken,
    ) -> (Operator, JoinHandle<Deployment>) {
        let (commands, mut inbox) = mpsc::channel::<Request>(16);
        let mut task = Task {
            infrastructure,
            spec,
            deployment,
            board,
            events,
            report,
        };
        task.refresh();
        let running = tokio::spawn(async move {
            let mut checks = interval(CHECK_INTERVAL);
            checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return task.deployment,
                    _ = checks.tick() => task.notice_ends(),
                    request = inbox.recv() => {
                        let Some(Request { command, done }) = request else {
                            return task.deployment;
                        };
                        let executed = stop.run_until_cancelled(task.execute(command)).await;
                        // A page that was closed waits for no result.
                        let _ = done.send(executed.unwrap_or_else(bail_stopped));
                    }
                }
            }
        });
        (Operator { commands }, running)
    }

    /// Executes a command after those before it.
    ///
    /// # Errors
    /// When it cannot be executed; the text says why.
    pub(crate) async fn execute(&self, command: Command) -> anyhow::Result<()> {
        let (done, result) = oneshot::channel();
        let sent = self.commands.send(Request { command, done }).await;
        sent.ok().context("this arm has been stopped")?;
        result.await.context("this arm has been stopped")?
    }
}

fn bail_stopped() -> anyhow::Result<()> {
    bail!("this arm is being stopped")
}

impl Task {
    async fn execute(&mut self, command: Command) -> anyhow::Result<()> {
        let executed = match &command {
            Command::Act { part, action } if part == "postgres" => self.postgres(*action).await,
            Command::Act { part, action } => self.act(part, *action).await,
            Command::Scale { package, replicas } => self.scale(package, *replicas).await,
            Command::Provider(behaviour) => {
                let http = &self.infrastructure.http;
                self.deployment.set_provider(http, behaviour).await
            }
            Command::Queues(faults) => {
                let http = &self.infrastructure.http;
                self.deployment.set_queues(http, faults).await
            }
            Command::Heal => self.heal().await,
        };
        self.refresh();
        match &executed {
            Ok(()) => self.mark(&command.mark()),
            Err(error) => {
                let part = command.part();
                let text = Text::new(
                    format!("{part}: {error:#}"),
                    format!("{part}: 操作できませんでした ({error:#})"),
                );
                self.events
                    .publish("problem", &json!({ "text": text, "part": part }));
            }
        }
        if executed.is_ok() {
            self.board.record(&command);
        }
        executed
    }

    async fn act(&mut self, part: &str, action: Action) -> anyhow::Result<()> {
        let http = self.infrastructure.http.clone();
        if action == Action::Restart {
            self.board.starts(part);
        }
        let process = match part {
            "sqs" => {
                let queues = self.deployment.queues.as_mut();
                &mut queues.context("it has no queues")?.process
            }
            "provider" => bail!("the provider belongs to no arm: make it slow or let it fail"),
            part => self.deployment.process(part)?,
        };
        match action {
            Action::Kill => process.kill().await,
            Action::Pause => process.signal("STOP"),
            Action::Continue => process.signal("CONT"),
            // The queue server has no readiness to wait for.
            Action::Restart if part == "sqs" => {
                if process.end()?.is_none() {
                    process.kill().await?;
                }
                process.start_again().await
            }
            Action::Restart => {
                // A paused process would not end. One that has ended gets no signal.
                let _ = process.signal("CONT");
                process.restart(&http).await
            }
        }
    }

    /// A server of Postgres cannot be killed without its data; a killed backend makes it end all
    /// connections and recover.
    async fn postgres(&mut self, action: Action) -> anyhow::Result<()> {
        match action {
            Action::Kill | Action::Restart => self.deployment.crash_postgres(Duration::ZERO).await,
            Action::Pause => self.deployment.signal_postgres("STOP"),
            Action::Continue => self.deployment.signal_postgres("CONT"),
        }
    }

    async fn scale(&mut self, package: &str, replicas: usize) -> anyhow::Result<()> {
        if !(1..=4).contains(&replicas) {
            bail!("choose 1 to 4 replicas");
        }
        let scalable = package == "monolith" || package.ends_with("-service");
        if !scalable || package == "auth-service" {
            bail!("{package} has one process");
        }
        let (infrastructure, spec) = (&self.infrastructure, &self.spec);
        self.deployment
            .scale(infrastructure, spec, package, replicas)
            .await
    }

    /// Undoes every fault of this arm.
    async fn heal(&mut self) -> anyhow::Result<()> {
        self.refresh();
        for part in self.board.parts() {
            match (part.state, part.name.as_str()) {
                (State::Paused, "postgres") => self.postgres(Action::Continue).await?,
                (State::Paused, name) => self.act(name, Action::Continue).await?,
                (State::Down, name) if !["postgres", "provider"].contains(&name) => {
                    self.act(name, Action::Restart).await?;
                }
                _ => {}
            }
        }
        let http = &self.infrastructure.http;
        self.deployment.set_provider(http, &json!({})).await?;
        if self.deployment.queues.is_some() {
            self.deployment.set_queues(http, &json!({})).await?;
        }
        Ok(())
    }

    /// Reports processes that have ended by themselves.
    fn notice_ends(&mut self) {
        let was_up = |parts: &[PartState], name: &str| {
            let part = parts.iter().find(|part| part.name == name);
            part.is_some_and(|part| part.state == State::Up)
        };
        let before = self.board.parts();
        self.refresh();
        for part in self.board.parts() {
            if part.state != State::Down || !was_up(&before, &part.name) {
                continue;
            }
            let (name, reason) = (&part.name, part.reason.unwrap_or_default());
            (self.report)(&format!("{name} {reason}: restart it on the page"));
            self.mark(&Mark {
                part: name.clone(),
                kind: "death",
                what: "death",
                text: Text::new(
                    format!("{name} {reason}"),
                    format!("{name} が終了しました ({reason})"),
                ),
            });
        }
    }

    /// Writes the state of all processes on the board.
    fn refresh(&mut self) {
        let deployment = &mut self.deployment;
        let mut parts = vec![];
        let processes = deployment.processes.iter_mut();
        let processes = processes.map(|process| (process.name.clone(), process));
        let queues = deployment.queues.as_mut();
        let queues = queues.map(|queues| ("sqs".to_owned(), &mut queues.process));
        let provider = [("provider".to_owned(), &mut deployment.provider.process)];
        for (name, process) in processes.chain(queues).chain(provider) {
            parts.push(PartState::of(name, process));
        }
        parts.extend(
            deployment
                .postgres_pids
                .iter()
                .map(|pid| PartState::postgres(*pid)),
        );
        self.board.replace(parts, &deployment.base_urls);
    }

    fn mark(&self, mark: &Mark) {
        self.events.publish("mark", &mark.event(&self.spec.name));
    }
}
