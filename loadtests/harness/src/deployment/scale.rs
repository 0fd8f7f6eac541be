//! Scales one package of a running deployment.

use anyhow::{Context as _, bail};

use super::arm_deployment::Deployment;
use super::infrastructure::Infrastructure;
use super::spec::DeploymentSpec;
use super::wiring::{URLS, component, entry_package};

impl Deployment {
    /// Starts or stops processes of a package until it has this many. A gateway that has a fixed
    /// list of them is started again with the new list.
    ///
    /// # Errors
    /// When the arm has no such package, or a process does not start.
    pub async fn scale(
        &mut self,
        infrastructure: &Infrastructure,
        spec: &DeploymentSpec,
        package: &str,
        replicas: usize,
    ) -> anyhow::Result<()> {
        let of_package = |name: &str| component(name) == package;
        let processes = self.processes.iter();
        let running = processes.filter(|one| of_package(&one.name)).count();
        if running == 0 {
            bail!("no process belongs to {package}");
        }
        for _ in running..replicas {
            self.add_replica(infrastructure, spec, package).await?;
        }
        let mut stopped = vec![];
        for _ in replicas..running {
            let last = self.processes.iter().rposition(|one| of_package(&one.name));
            stopped.extend(last.map(|place| self.processes.remove(place)));
        }
        // The entry learns of it before the processes are gone.
        self.publish_addresses(infrastructure, package).await?;
        tokio::task::spawn_blocking(move || drop(stopped)).await?;
        Ok(())
    }

    async fn publish_addresses(
        &mut self,
        infrastructure: &Infrastructure,
        package: &str,
    ) -> anyhow::Result<()> {
        let urls = self.urls_of(package);
        if package == entry_package(self.arm) {
            self.base_urls = urls;
            return Ok(());
        }
        let Some((_, variable)) = URLS.iter().find(|(called, _)| *called == package) else {
            return Ok(());
        };
        let gateway = self.process("gateway")?;
        gateway.set(variable, &urls.join(","));
        gateway
            .restart(&infrastructure.http)
            .await
            .context("the gateway has to be restarted")
    }
}
