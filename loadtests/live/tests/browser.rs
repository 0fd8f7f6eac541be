//! The page in a real browser, from the first step to the audit.
//!
//! `TWOFOLD_BROWSER=1 cargo test -p live --test browser` needs Chromium with its driver. It leaves
//! pictures in `target/browser/`; with `TWOFOLD_PICTURES=1` it also renews those of the documents.

#![allow(clippy::print_stdout)] // It says why it was skipped.

#[path = "browser/driver.rs"]
mod driver;
#[path = "it/shops.rs"]
mod shops;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::time::sleep;

use driver::{Browser, workspace};
use shops::Shops;

/// The most JavaScript heap that the page may take.
const MOST_BYTES: f64 = 30_000_000.0;
/// Orders per second at each side while the heap is measured.
const RATE: u32 = 50;
const SAMPLE: Duration = Duration::from_secs(5);
/// The checker of accessibility, which `.ci/browser` fetches.
const AXE: &str = "target/browser/axe.min.js";
const TABS: [&str; 6] = ["charts", "journey", "messages", "audit", "predict", "log"];
const QUESTIONS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_breaks_the_services_and_reads_a_green_audit() -> anyhow::Result<()> {
    if std::env::var_os("TWOFOLD_BROWSER").is_none() {
        println!("browser: skipped, since TWOFOLD_BROWSER is not set");
        return Ok(());
    }
    let Some(browser) = Browser::start().await? else {
        println!("browser: skipped, since there is no chromedriver: run .ci/browser");
        return Ok(());
    };
    let shops = Shops::start("browser").await?;

    let visited = visit(&browser, &shops.page.address).await;
    if visited.is_err() {
        let _ = browser.picture("failed").await;
    }
    browser.stop().await?;
    shops.stop().await?;
    visited
}

async fn visit(browser: &Browser, address: &str) -> anyhow::Result<()> {
    browser.resize(1440, 900).await?;
    browser.open(address).await?;
    let is_live = "document.documentElement.dataset.connection === 'live'";
    browser.until(is_live).await?;
    let shown = browser.script("return location.hash").await?;
    ensure!(shown == "", "the token is in the address bar: {shown}");

    place_an_order(browser).await?;
    break_and_repair(browser).await?;
    redrive_a_poison_message(browser).await?;
    answer_every_question(browser).await?;
    show_everywhere(browser).await?;
    check_accessibility(browser).await?;
    endure(browser, address).await
}

/// One click places an order on both sides, and both journeys settle.
async fn place_an_order(browser: &Browser) -> anyhow::Result<()> {
    browser.click("#order-quick").await?;
    let count = |css: &str| format!("document.querySelectorAll(`{css}`).length");
    let confirmed = count(".journey-bar .status.confirmed");
    browser.until(&format!("{confirmed} === 2")).await?;
    browser
        .until(&format!("{} === 2", count("#journey figure")))
        .await?;
    browser
        .until(&format!("{} >= 4", count("#journey .go.message")))
        .await?;
    browser.published_picture("journey").await
}

/// The first steps of the page: load, kill payment, backlog, restart, audit.
async fn break_and_repair(browser: &Browser) -> anyhow::Result<()> {
    let began = Instant::now();
    browser.click("#tab-charts").await?;
    step(browser, 1, "load.A3.rate > 0").await?;
    browser.until("Live.lastSecond('A3').settled > 0").await?;
    let is_down = "arms.A3.processes.some((one) => one.state === 'down')";
    step(browser, 2, is_down).await?;
    until_step(browser, 4).await?;
    browser.published_picture("page").await?;
    step(browser, 4, "arms.A3.backlog < 25").await?;
    step(browser, 5, "load.A3.rate === 0").await?;
    browser
        .until("document.querySelector('#audit-badge.good')")
        .await?;
    browser
        .until("!document.querySelector('#audit .broken')")
        .await?;
    browser.picture("audit").await?;
    println!(
        "browser: load, kill, backlog, restart and audit took {:?}",
        began.elapsed()
    );
    Ok(())
}

/// Clicks the step with this number, and waits until a condition of the next ticks holds.
async fn step(browser: &Browser, number: usize, condition: &str) -> anyhow::Result<()> {
    until_step(browser, number).await?;
    browser.click("#guide-steps [aria-current] button").await?;
    browser.until(&format!("Live.tick.{condition}")).await
}

async fn until_step(browser: &Browser, number: usize) -> anyhow::Result<()> {
    let step = format!("#guide-steps li:nth-child({number})[aria-current]");
    browser
        .until(&format!("document.querySelector('{step}')"))
        .await
}

async fn redrive_a_poison_message(browser: &Browser) -> anyhow::Result<()> {
    let dead = "#map-A3 .queue[aria-label=payment-events] .dead";
    let has_dead = |is: bool| format!("document.querySelector('{dead}').hidden === {}", !is);
    browser
        .click("#map-A3 .queue[aria-label=payment-events] .name")
        .await?;
    browser.click("#queue-actions button:not(.danger)").await?;
    browser.until(&has_dead(true)).await?;
    browser.click(dead).await?;
    browser
        .until("document.querySelectorAll('#message-list li').length === 1")
        .await?;
    browser.click("#message-list summary").await?;
    browser.picture("messages").await?;

    let hidden = |css: &str, is: bool| {
        format!("(document.querySelector('#dialog .buttons {css}')?.hidden ?? true) === {is}")
    };
    browser.click("#queue-actions .primary").await?;
    browser
        .click("#dialog .buttons button:not(.primary)")
        .await?;
    browser.until(&hidden(".primary", false)).await?;
    browser.click("#dialog .buttons .primary").await?;
    browser.until(&hidden(".primary", true)).await?;
    let moved = browser.text("#dialog [role=status]").await?;
    ensure!(moved.contains('1'), "redriven: {moved}");
    browser.click("#dialog .heading button").await?;

    // It cannot be handled, so it is dead again, and only a purge removes it.
    browser
        .until("document.querySelectorAll('#message-list li').length === 1")
        .await?;
    browser.click("#queue-actions .danger").await?;
    browser.click("#dialog .buttons .danger").await?;
    browser.until(&hidden(".danger", true)).await?;
    browser.click("#dialog .heading button").await?;
    browser.until(&has_dead(false)).await
}

/// A participant answers each question, and then the shops do, with a number for each side.
async fn answer_every_question(browser: &Browser) -> anyhow::Result<()> {
    browser.click("#tab-predict").await?;
    for place in 1..=QUESTIONS {
        let card = format!("#cards .card:nth-child({place})");
        for arm in ["A0", "A3"] {
            let input = format!("{card} input[name={arm}]");
            browser.type_into(&input, "5").await?;
        }
        browser.click(&format!("{card} .primary")).await?;
        let answered = format!("{card} .compare.measured, {card} .problem");
        browser
            .until(&format!("document.querySelector('{answered}')"))
            .await?;
        let read = format!(
            "return [...document.querySelectorAll('{card} .measured b, {card} .problem')]
                .map((one) => one.textContent)"
        );
        let measured: Vec<String> = serde_json::from_value(browser.script(&read).await?)?;
        let question = browser.text(&format!("{card} .question")).await?;
        println!("browser: {question} {measured:?}");
        let number = |text: &String| text.split(' ').next()?.parse::<f64>().ok();
        let numbers: Option<Vec<f64>> = measured.iter().map(number).collect();
        let numbers = numbers.with_context(|| format!("{question}: {measured:?}"))?;
        ensure!(numbers.len() == 2, "{question}: {measured:?}");
        // Payment is killed: the services refuse no order.
        ensure!(place > 1 || numbers[1] == 0.0, "{question}: {measured:?}");
    }
    browser.picture("predict").await
}

/// Both languages, the projector, the dark theme and a phone.
async fn show_everywhere(browser: &Browser) -> anyhow::Result<()> {
    browser.click("#tab-charts").await?;
    browser.click("#language").await?;
    browser
        .until("document.documentElement.lang === 'ja'")
        .await?;
    let heading = browser.text("#title-A0").await?;
    ensure!(heading.contains("モノリス"), "not Japanese: {heading}");
    browser.resize(1920, 1080).await?;
    browser.click("#large").await?;
    browser.picture("projector-ja").await?;

    browser.click("#large").await?;
    browser.click("#theme").await?;
    browser.resize(400, 850).await?;
    browser
        .until("document.documentElement.scrollWidth <= innerWidth")
        .await?;
    browser.picture("phone-dark").await?;
    browser.click("#language").await?;
    browser.resize(1440, 900).await
}

/// No rule of axe-core is broken in any tab, in either theme.
async fn check_accessibility(browser: &Browser) -> anyhow::Result<()> {
    let Ok(axe) = fs::read_to_string(workspace().join(AXE)) else {
        println!("browser: accessibility skipped, since there is no {AXE}: run .ci/browser");
        return Ok(());
    };
    browser.script(&axe).await?;
    let mut rules = 0;
    for _ in ["dark", "light"] {
        for tab in TABS {
            browser.click(&format!("#tab-{tab}")).await?;
            let found = browser.script(JUDGE).await?;
            ensure!(found["broken"] == json!([]), "{tab}: {:#}", found["broken"]);
            rules += found["passed"].as_u64().unwrap_or(0);
        }
        browser.click("#theme").await?;
    }
    ensure!(rules > 0, "axe-core has judged nothing");
    println!("browser: axe-core found no violation ({rules} rules passed)");
    Ok(())
}

/// WebDriver waits for a promise that a script returns.
const JUDGE: &str = "return axe.run(document).then(({ violations, passes }) => ({
    passed: passes.length,
    broken: violations.map((one) => [one.id, one.nodes.map((node) => node.target.join(' '))]),
}))";

/// What the page takes under load after an hour, at the rate of its growth, is less than
/// [`MOST_BYTES`]. How late its ticks came is printed. `TWOFOLD_BROWSER_MINUTES` sets how long it
/// is watched: 1 by default.
async fn endure(browser: &Browser, address: &str) -> anyhow::Result<()> {
    let minutes = std::env::var("TWOFOLD_BROWSER_MINUTES").unwrap_or("1".to_owned());
    let length = Duration::from_secs(60 * minutes.parse::<u64>()?);
    // Another document, without what the checks before have left.
    browser.open("about:blank").await?;
    browser.open(address).await?;
    browser
        .until("typeof Live === 'object' && Live.tick")
        .await?;
    browser
        .script(&format!("return Live.setLoad(Live.arms, {RATE})"))
        .await?;
    let began = Instant::now();
    let mut heap: Vec<(f64, f64)> = vec![];
    let mut latest_ms: f64 = 0.0;
    while began.elapsed() < length {
        sleep(SAMPLE).await;
        let state =
            "gc(); return [performance.memory.usedJSHeapSize, Date.now() - Live.tick.at_ms]";
        let (bytes, late_ms): (f64, f64) = serde_json::from_value(browser.script(state).await?)?;
        heap.push((began.elapsed().as_secs_f64(), bytes));
        latest_ms = latest_ms.max(late_ms);
    }
    browser.script("return Live.setLoad(Live.arms, 0)").await?;
    let most = heap.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let after_an_hour = most + slope(&heap).max(0.0) * 3_600.0;
    println!(
        "browser: at {RATE} orders/s the latest of {} ticks came after {latest_ms} ms; the page \
         takes at most {:.1} MB of JavaScript heap, after an hour {:.1} MB",
        heap.len(),
        most / 1e6,
        after_an_hour / 1e6
    );
    ensure!(
        after_an_hour < MOST_BYTES,
        "the page would take {after_an_hour} bytes after an hour"
    );
    Ok(())
}

/// The slope of the line through these points, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let products = points.iter().map(|point| (point.0 - x) * (point.1 - y));
    let squares = points.iter().map(|point| (point.0 - x).powi(2));
    products.sum::<f64>() / squares.sum::<f64>()
}
