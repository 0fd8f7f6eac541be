//! Both arms on real processes, with their page.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analysis::model::{Arm, ArmName};
use harness::deployment::binaries::Binaries;
use harness::deployment::infrastructure::Servers;
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use live::{Page, Receiver, Started};
use sandbox::{Server, Storage};

pub(crate) struct Shops {
    pub(crate) page: Page,
    infrastructure: Arc<Infrastructure>,
}

impl Shops {
    /// Starts them, from the binaries in `TWOFOLD_BINARIES` if it is set. Their logs are in a
    /// folder with this name.
    pub(crate) async fn start(name: &str) -> anyhow::Result<Shops> {
        let arms = [Arm::Monolith, Arm::Services];
        let binaries = match std::env::var_os("TWOFOLD_BINARIES") {
            Some(directory) => Binaries::of_baseline(Path::new(&directory), &arms)?,
            None => Binaries::build(&arms)?,
        };
        let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let server = Servers::Shared(Server::start(Storage::Memory).await?);
        let infrastructure = Arc::new(Infrastructure::on(server, binaries, logs)?);
        let receiver = Receiver::start().await?;
        let mut started = vec![];
        for arm in arms {
            let spec = spec(arm, &receiver.endpoint);
            let deployment = Deployment::start(&infrastructure, &spec).await?;
            let name = ArmName::from(arm);
            started.push(Started {
                name,
                spec,
                deployment,
            });
        }
        let page = Page::start(&infrastructure, receiver, started, 0, |_| {}).await?;
        Ok(Shops {
            page,
            infrastructure,
        })
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for deployment in self.page.stop().await? {
            deployment.remove(&self.infrastructure).await?;
        }
        Ok(())
    }
}

fn spec(arm: Arm, collector: &str) -> DeploymentSpec {
    DeploymentSpec {
        arm,
        baseline: false,
        name: arm.code().to_owned(),
        replicas: 1,
        entry_gateway: false,
        products: 100,
        provider_latency_ms: 0,
        sqs_arguments: vec![],
        cancellation_window: Duration::from_secs(60),
        order_expiry: Duration::from_secs(900),
        overdue: None,
        seed: 1,
        slowdown: None,
        drill: None,
        first_port: None,
        collector: Some(collector.to_owned()),
    }
}
