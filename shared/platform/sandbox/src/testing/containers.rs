//! Postgres and a queue server in containers, one of each per test process.
//!
//! Statics are never dropped, so testcontainers does not remove its containers here. A supervised
//! process per container removes it when the test process ends, for whatever reason.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::testcontainers::core::IntoContainerPort;
use testcontainers_modules::testcontainers::runners::AsyncRunner;
use testcontainers_modules::testcontainers::{GenericImage, ImageExt, TestcontainersError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Error, Launch, Server, Supervised};

const QUEUE_PORT: u16 = 9324;
/// How long a queue server may take to answer after its start.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

static CLEANERS: Mutex<Vec<Supervised>> = Mutex::new(Vec::new());

/// Starts Postgres from the image in `POSTGRES_IMAGE`, with fsync, which the module switches off by
/// default.
pub(super) async fn postgres() -> Result<Server, Error> {
    let (name, tag) = image("POSTGRES_IMAGE", "postgres:17-bookworm");
    let image = Postgres::default()
        .with_fsync_enabled()
        .with_name(name)
        .with_tag(tag);
    let container = image
        .with_cmd(["postgres", "-c", "max_connections=300"])
        .with_container_name(cleaned_name()?)
        .start()
        .await
        .map_err(failed)?;
    let port = container.get_host_port_ipv4(5432).await.map_err(failed)?;

    let url = format!("postgres://postgres:postgres@127.0.0.1:{port}/postgres");
    let server = Server::external(&url).await?;
    // From here on the cleaner alone removes it.
    std::mem::forget(container);
    Ok(server)
}

/// Starts a queue server from the image in `SQS_IMAGE`, and returns its endpoint. sqs-local listens
/// on all interfaces only with `SQS_LOCAL_HOST`; ElasticMQ does so by default.
pub(super) async fn queues() -> Result<String, Error> {
    let (name, tag) = image("SQS_IMAGE", "softwaremill/elasticmq-native:1.6.12");
    let container = GenericImage::new(name, tag)
        .with_exposed_port(QUEUE_PORT.tcp())
        .with_env_var("SQS_LOCAL_HOST", "0.0.0.0")
        .with_container_name(cleaned_name()?)
        .start()
        .await
        .map_err(failed)?;
    let port = container
        .get_host_port_ipv4(QUEUE_PORT)
        .await
        .map_err(failed)?;

    wait_for_http(port).await?;
    std::mem::forget(container);
    Ok(format!("http://127.0.0.1:{port}"))
}

/// The name and tag of the image in the variable, or of the default.
fn image(variable: &str, default: &str) -> (String, String) {
    let chosen = std::env::var(variable)
        .ok()
        .filter(|image| !image.is_empty());
    let image = chosen.unwrap_or_else(|| default.to_owned());
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (image, "latest".to_owned()),
    }
}

/// Returns a name for a container, and starts the process that removes the container with this name
/// once the test process has ended. It starts before the container, and tries three times, because
/// Docker completes the start of a container even after the test process was interrupted.
fn cleaned_name() -> Result<String, Error> {
    const SCRIPT: &str = "sleep 2147483647 & nap=$!
        trap 'kill $nap
            for _ in 1 2 3; do docker rm --force --volumes \"$0\"; sleep 2; done
            exit' TERM
        wait";
    let name = format!("twofold-test-{:016x}", rand::random::<u64>());
    let mut launch = Launch::new("/bin/sh", "/dev/null");
    launch.arguments = ["-c", SCRIPT, &name].map(str::to_owned).into();
    let cleaner = Supervised::spawn(&launch).map_err(Error::file(&launch.log))?;
    CLEANERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(cleaner);
    Ok(name)
}

/// Waits for an HTTP answer. An open port is not enough, because Docker's proxy accepts connections
/// before the server does.
async fn wait_for_http(port: u16) -> Result<(), Error> {
    let started = Instant::now();
    while !answers(port).await.unwrap_or(false) {
        if started.elapsed() > READY_TIMEOUT {
            return Err(Error::Containers(format!(
                "no answer within {READY_TIMEOUT:?}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn answers(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    Ok(stream.read(&mut [0; 16]).await? > 0)
}

fn failed(error: TestcontainersError) -> Error {
    Error::Containers(error.to_string())
}
