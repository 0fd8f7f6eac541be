//! A page in headless Chromium, by the WebDriver protocol.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// How long a condition may take: a journey, a drained backlog, an experiment.
const LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(100);
/// What chromedriver prints before its port.
const STARTED: &str = "ChromeDriver was started successfully on port ";
/// The most that a picture in `docs/` takes.
const MOST_BYTES: usize = 250_000;

pub(crate) struct Browser {
    http: reqwest::Client,
    /// The address of the session.
    session: String,
    driver: Child,
}

impl Browser {
    /// Starts a browser without a window. `None` without chromedriver.
    pub(crate) async fn start() -> anyhow::Result<Option<Browser>> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let Ok(mut driver) = driver else {
            return Ok(None);
        };
        let output = driver.stdout.take().context("chromedriver has no output")?;
        let port = timeout(LIMIT, port(output)).await??;
        let mut browser = Browser {
            http: reqwest::Client::builder().no_proxy().build()?,
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
        };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--hide-scrollbars",
            "--enable-precise-memory-info",
            "--js-flags=--expose-gc",
            "--lang=en",
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let wish = json!({ "capabilities": { "alwaysMatch": options } });
        let session = browser.call(Method::POST, "", wish).await?;
        let id = session["sessionId"].as_str().context("no session")?;
        browser.session = format!("{}/{id}", browser.session);
        Ok(Some(browser))
    }

    /// Ends the browser, and then its driver.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.call(Method::DELETE, "", json!({})).await?;
        self.driver.kill().await?;
        Ok(())
    }

    pub(crate) async fn open(&self, address: &str) -> anyhow::Result<()> {
        let url = json!({ "url": address });
        self.call(Method::POST, "/url", url).await.map(drop)
    }

    /// Clicks an element as a mouse does: one that is covered or hidden cannot be clicked.
    pub(crate) async fn click(&self, css: &str) -> anyhow::Result<()> {
        let path = format!("/element/{}/click", self.element(css).await?);
        let clicked = self.call(Method::POST, &path, json!({})).await;
        clicked.map(drop).with_context(|| format!("click {css}"))
    }

    pub(crate) async fn type_into(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let path = format!("/element/{}/value", self.element(css).await?);
        let typed = self
            .call(Method::POST, &path, json!({ "text": text }))
            .await;
        typed.map(drop).with_context(|| format!("type into {css}"))
    }

    /// The first element that matches, once there is one.
    async fn element(&self, css: &str) -> anyhow::Result<String> {
        self.until(&format!("document.querySelector(`{css}`)"))
            .await?;
        let query = json!({ "using": "css selector", "value": css });
        let found = self.call(Method::POST, "/element", query).await?;
        let id = found.as_object().and_then(|found| found.values().next());
        let id = id
            .and_then(Value::as_str)
            .context("an element without id")?;
        Ok(id.to_owned())
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn until(&self, expression: &str) -> anyhow::Result<()> {
        let started = Instant::now();
        let script = format!("return Boolean({expression})");
        while self.script(&script).await? != json!(true) {
            ensure!(started.elapsed() < LIMIT, "still false: {expression}");
            sleep(POLL).await;
        }
        Ok(())
    }

    pub(crate) async fn text(&self, css: &str) -> anyhow::Result<String> {
        let script = format!("return document.querySelector(`{css}`).textContent");
        let text = self.script(&script).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script. Returns what it returns.
    pub(crate) async fn script(&self, script: &str) -> anyhow::Result<Value> {
        let script = json!({ "script": script, "args": [] });
        self.call(Method::POST, "/execute/sync", script).await
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        // A window has a least width. The page's own size has none.
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        let set = self.devtools("Emulation.setDeviceMetricsOverride", size);
        set.await.map(drop)
    }

    /// Leaves a picture in `target/browser/`.
    pub(crate) async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let picture = self.capture(json!({ "format": "png" })).await?;
        let folder = workspace().join("target/browser");
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(format!("{name}.png")), picture)?)
    }

    /// Leaves a picture, and with `TWOFOLD_PICTURES` also the one that the documents show.
    pub(crate) async fn published_picture(&self, name: &str) -> anyhow::Result<()> {
        self.picture(name).await?;
        if std::env::var_os("TWOFOLD_PICTURES").is_some() {
            let picture = self
                .capture(json!({ "format": "jpeg", "quality": 82 }))
                .await?;
            let size = picture.len();
            ensure!(size < MOST_BYTES, "the picture {name} has {size} bytes");
            fs::write(
                workspace().join(format!("docs/pictures/{name}.jpg")),
                picture,
            )?;
        }
        Ok(())
    }

    async fn capture(&self, format: Value) -> anyhow::Result<Vec<u8>> {
        let picture = self.devtools("Page.captureScreenshot", format).await?;
        let picture = picture["data"].as_str().context("a picture without data")?;
        Ok(BASE64_STANDARD.decode(picture)?)
    }

    /// A command of Chromium's own protocol, for what WebDriver cannot do.
    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.call(Method::POST, "/goog/cdp/execute", body).await
    }

    /// Calls the driver. Returns the value that it answers.
    async fn call(&self, method: Method, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.session);
        let request = self.http.request(method, url).json(&body);
        let mut answer: Value = request.send().await?.json().await?;
        let value = answer["value"].take();
        match value["message"].as_str() {
            Some(message) if value["error"].is_string() => bail!("{path}: {message}"),
            _ => Ok(value),
        }
    }
}

/// Reads the driver's output to its end, so that it never waits for a reader. Returns its port.
async fn port(output: tokio::process::ChildStdout) -> anyhow::Result<u16> {
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(port) = line.strip_prefix(STARTED) {
            let port = port.trim_end_matches('.').parse()?;
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port);
        }
    }
    bail!("chromedriver has ended")
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
