//! The questions of the workshop. The answer to each is measured after a participant has guessed.

mod catalogue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use analysis::model::Quantiles;
use futures::future::{join_all, try_join_all};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use self::catalogue::{Measure, QUESTIONS, Question};
use crate::audit::audit;
use crate::clock::now_ms;
use crate::error::Error;
use crate::load::NewLoad;
use crate::operator::Command;
use crate::sampler::INTERVAL;
use crate::side::Side;
use crate::state::Live;

/// Orders per second at each side during an experiment.
const RATE: f64 = 20.0;
/// The load before the fault.
const BEFORE: Duration = Duration::from_secs(2);
/// How long the answers to the last orders may take after the fault: a monolith that waits for the
/// payment provider gives up after 7 s.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long a backlog may take to drain: longer than payment's visibility timeout, after which the
/// messages come back that a killed process had received.
const DRAIN_LIMIT: Duration = Duration::from_secs(75);
const POLL: Duration = Duration::from_millis(50);

/// One experiment runs at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

#[derive(Deserialize)]
pub(crate) struct Guess {
    guess: BTreeMap<String, f64>,
}

pub(crate) fn all(sides: &[Arc<Side>]) -> Value {
    let codes: Vec<&str> = sides.iter().map(|side| side.code()).collect();
    let show = |question: &Question| {
        json!({
            "id": question.id,
            "text": question.text(),
            "unit": question.measure.unit(),
            "sides": codes,
        })
    };
    QUESTIONS.iter().map(show).collect()
}

/// Runs the experiment of a question. The load and the faults are afterwards as before it.
///
/// # Errors
/// When there is no such question, another experiment runs, or a fault has not been healed.
pub(crate) async fn answer(live: &Arc<Live>, id: &str, guess: &Guess) -> Result<Value, Error> {
    let question = QUESTIONS.iter().find(|question| question.id == id);
    let question =
        question.ok_or_else(|| Error::not_found(format!("there is no question {id}")))?;
    let conflict = |text: &str| Error::new(axum::http::StatusCode::CONFLICT, text);
    let Ok(_alone) = ALONE.try_lock() else {
        return Err(conflict("another experiment is running: wait for its end"));
    };
    if live
        .sides
        .iter()
        .any(|side| !side.board.faults().is_empty())
    {
        return Err(conflict(
            "heal everything first: an answer would not be about this fault",
        ));
    }
    let before = live.load.state();
    let measured = experiment(live, question).await;
    // An experiment that failed half-way leaves no fault and no load of its own.
    let healed = heal(live).await;
    for side in &live.sides {
        let load = &before[side.code()];
        live.load.set(&NewLoad {
            arms: vec![side.code().to_owned()],
            rate: load["rate"].as_f64().unwrap_or(0.0),
            scenario: load["scenario"].as_str().unwrap_or("checkout").to_owned(),
        })?;
    }
    let measured = measured?;
    healed?;
    Ok(json!({
        "guess": guess.guess,
        "measured": measured,
        "explanation": question.explanation(),
    }))
}

async fn experiment(
    live: &Arc<Live>,
    question: &Question,
) -> Result<BTreeMap<&'static str, f64>, Error> {
    set_rate(live, RATE)?;
    sleep(BEFORE).await;
    let begin_ms = now_ms();
    let refused = || live.sides.iter().map(|side| side.book.totals().failed);
    let before: Vec<u64> = refused().collect();

    let faults = live.sides.iter().map(|side| async move {
        for command in (question.faults)(side.arm) {
            side.operator.execute(command).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(faults).await?;
    sleep(question.length).await;
    let answers: Vec<f64> = live
        .sides
        .iter()
        .map(|side| answer_s(side, begin_ms))
        .collect();
    if question.measure != Measure::Refused {
        set_rate(live, 0.0)?;
    }
    let end_ms = now_ms();
    heal(live).await?;
    set_rate(live, 0.0)?;
    join_all(live.sides.iter().map(|side| answered(side))).await;

    let measured = match question.measure {
        Measure::Answer => answers,
        Measure::Refused => {
            let refused = refused().zip(before);
            refused.map(|(now, before)| (now - before) as f64).collect()
        }
        Measure::Drain => {
            let drained = live.sides.iter().map(|side| async move {
                drained(side).await;
                side.book.settled_since_s(end_ms)
            });
            join_all(drained).await
        }
        Measure::PaidTwice => {
            join_all(live.sides.iter().map(|side| drained(side))).await;
            let judged = audit(&live.events, &live.sides, &live.load).await;
            live.sides
                .iter()
                .map(|side| wrong_payments(&judged["arms"][side.code()]))
                .collect()
        }
    };
    let codes = live.sides.iter().map(|side| side.code());
    Ok(codes.zip(measured).collect())
}

fn set_rate(live: &Arc<Live>, rate: f64) -> Result<(), Error> {
    live.load.set(&NewLoad {
        arms: live
            .sides
            .iter()
            .map(|side| side.code().to_owned())
            .collect(),
        rate,
        scenario: "checkout".to_owned(),
    })
}

async fn heal(live: &Live) -> anyhow::Result<()> {
    let healed = live
        .sides
        .iter()
        .map(|side| side.operator.execute(Command::Heal));
    try_join_all(healed).await.map(drop)
}

/// The median time to an answer since then, in seconds.
fn answer_s(side: &Side, since_ms: f64) -> f64 {
    Quantiles::of(&mut side.book.answers_since(since_ms)).p50 / 1_000.0
}

/// Waits until every order that was offered is answered.
async fn answered(side: &Side) {
    // The sampler enters what the generator has sent with the next tick.
    sleep(2 * INTERVAL).await;
    let started = Instant::now();
    while side.book.totals().unanswered > 0 && started.elapsed() < ANSWER_LIMIT {
        sleep(POLL).await;
    }
}

/// Waits until every accepted order is settled.
async fn drained(side: &Side) {
    let started = Instant::now();
    while side.book.totals().pending > 0 && started.elapsed() < DRAIN_LIMIT {
        sleep(POLL).await;
    }
}

/// Orders whose payment is not the one that they should have.
fn wrong_payments(judged: &Value) -> f64 {
    let promises = judged["promises"].as_array().into_iter().flatten();
    let about_money = promises.filter(|one| {
        let promise = one["promise"].as_str().unwrap_or_default();
        promise.contains("payment of its total") || promise.contains("ledger")
    });
    about_money
        .map(|one| one["broken"].as_f64().unwrap_or(0.0))
        .sum()
}
