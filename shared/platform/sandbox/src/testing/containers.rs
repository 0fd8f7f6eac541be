//! Postgres and the queue server in containers, one each a test process.
//!
//! Statics are never dropped, so testcontainers' own end of life does not happen here: a
//! supervised watchman removes each container when the test process ends, however it ends.

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
const READY_LIMIT: Duration = Duration::from_secs(60);

static WATCHMEN: Mutex<Vec<Supervised>> = Mutex::new(Vec::new());

/// A Postgres of the image in `POSTGRES_IMAGE`, durable as elsewhere: the module's default
/// switches fsync off.
pub(super) async fn postgres() -> Result<Server, Error> {
    let (name, tag) = image("POSTGRES_IMAGE", "postgres:17-bookworm");
    let image = Postgres::default()
        .with_fsync_enabled()
        .with_name(name)
        .with_tag(tag);
    let container = image
        .with_cmd(["postgres", "-c", "max_connections=300"])
        .with_container_name(watched_name()?)
        .start()
        .await
        .map_err(failed)?;
    let port = container.get_host_port_ipv4(5432).await.map_err(failed)?;

    let url = format!("postgres://postgres:postgres@127.0.0.1:{port}/postgres");
    let server = Server::given(&url).await?;
    // From here on the watchman alone removes it.
    std::mem::forget(container);
    Ok(server)
}

/// The endpoint of a queue server of the image in `SQS_IMAGE`: ElasticMQ, or sqs-local, which
/// must be told to listen to other containers.
pub(super) async fn queues() -> Result<String, Error> {
    let (name, tag) = image("SQS_IMAGE", "softwaremill/elasticmq-native:1.6.12");
    let container = GenericImage::new(name, tag)
        .with_exposed_port(QUEUE_PORT.tcp())
        .with_env_var("SQS_LOCAL_HOST", "0.0.0.0")
        .with_container_name(watched_name()?)
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

/// Name and tag in the variable, or else of the default.
fn image(variable: &str, default: &str) -> (String, String) {
    let given = std::env::var(variable)
        .ok()
        .filter(|image| !image.is_empty());
    let image = given.unwrap_or_else(|| default.to_owned());
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (image, "latest".to_owned()),
    }
}

/// A name for a container, and a process that does nothing until this one has ended and then
/// removes what bears the name. It is posted first, and tries more than once: whoever is
/// interrupted while a container starts leaves it to Docker, which goes on.
fn watched_name() -> Result<String, Error> {
    const SCRIPT: &str = "sleep 2147483647 & nap=$!
        trap 'kill $nap
            for _ in 1 2 3; do docker rm --force --volumes \"$0\"; sleep 2; done
            exit' TERM
        wait";
    let name = format!("twofold-test-{:016x}", rand::random::<u64>());
    let mut launch = Launch::new("/bin/sh", "/dev/null");
    launch.arguments = ["-c", SCRIPT, &name].map(str::to_owned).into();
    let watchman = Supervised::spawn(&launch).map_err(Error::file(&launch.log))?;
    WATCHMEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(watchman);
    Ok(name)
}

/// Docker's proxy accepts connections before the server inside does, so an answer is waited for.
async fn wait_for_http(port: u16) -> Result<(), Error> {
    let started = Instant::now();
    while !answers(port).await.unwrap_or(false) {
        if started.elapsed() > READY_LIMIT {
            return Err(Error::Containers(format!(
                "no answer within {READY_LIMIT:?}"
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
