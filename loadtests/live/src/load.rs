//! The load of both sides: one run of goose, whose rates and scenarios change while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use analysis::model::Scenario;
use harness::load::{Arrivals, Attack, Recorder, Sampling, SteeredRate, steer};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::clock::now_ms;
use crate::error::Error;
use crate::events::Events;
use crate::orders::Accepted;
use crate::side::Side;
use crate::text::Text;

/// Users of each side: as many orders can be open at a time. At 300 orders per second that is 2 s
/// of them.
const USERS: usize = 600;
/// Orders per second.
const FASTEST: f64 = 300.0;
/// The page shows at most ten orders per second of each side, and they are traced.
const TRACE_EVERY: Duration = Duration::from_millis(100);
/// How long the answers to an earlier attack are awaited: longer than the generator waits for one.
const KEPT_MS: f64 = 30_000.0;

/// The scenarios that can be chosen, by their names on the page.
pub(crate) const SCENARIOS: [(&str, Scenario); 4] = [
    ("checkout", Scenario::Checkout),
    ("hot_product", Scenario::HotProduct),
    ("refusals", Scenario::Refusals),
    ("cancellations", Scenario::Cancellations),
];

pub(crate) struct Load {
    events: Events,
    sides: Vec<(Arc<Side>, Mutex<SideLoad>)>,
    is_running: Mutex<bool>,
}

/// The load of one side.
struct SideLoad {
    rate: watch::Sender<SteeredRate>,
    /// With its name on the page.
    scenario: (&'static str, Scenario),
    current: watch::Sender<Arc<Attack>>,
    /// The current attack, and earlier ones whose last answers may still come.
    attacks: Vec<Begun>,
}

struct Begun {
    attack: Arc<Attack>,
    at_ms: f64,
    /// Operations that are entered with the side.
    offered: usize,
    replaced_ms: Option<f64>,
}

/// A load as the page requests it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLoad {
    pub(crate) arms: Vec<String>,
    pub(crate) rate: f64,
    pub(crate) scenario: String,
}

impl Load {
    pub(crate) fn new(events: Events, sides: &[Arc<Side>]) -> Load {
        let of_side = |side: &Arc<Side>| {
            let scenario = SCENARIOS[0];
            let (rate, attack) = attack(side, scenario.1, 0.0);
            let attack = Arc::new(attack);
            let load = SideLoad {
                rate,
                scenario,
                current: watch::Sender::new(Arc::clone(&attack)),
                attacks: vec![Begun::now(attack)],
            };
            (Arc::clone(side), Mutex::new(load))
        };
        Load {
            events,
            sides: sides.iter().map(of_side).collect(),
            is_running: Mutex::new(false),
        }
    }

    /// Changes the load of some sides.
    ///
    /// # Errors
    /// When a value is out of its range.
    pub(crate) fn set(self: &Arc<Load>, new: &NewLoad) -> Result<(), Error> {
        let scenario = SCENARIOS.iter().find(|(name, _)| *name == new.scenario);
        let Some(scenario) = scenario else {
            return Err(Error::bad_request(format!(
                "there is no scenario {}",
                new.scenario
            )));
        };
        if !(0.0..=FASTEST).contains(&new.rate) {
            return Err(Error::bad_request(format!(
                "choose 0 to {FASTEST} orders per second"
            )));
        }
        for (side, load) in &self.sides {
            if !new.arms.iter().any(|arm| arm == side.code()) {
                continue;
            }
            lock(load).set(side, new.rate, *scenario);
            let text = Text::new(
                format!("{} orders/s, {}", new.rate, new.scenario),
                format!("毎秒 {} 件, {}", new.rate, new.scenario),
            );
            let mark = json!({
                "at_ms": now_ms(), "arm": side.code(), "part": "customer", "kind": "load",
                "what": "load", "text": text,
            });
            self.events.publish("mark", &mark);
        }
        if new.rate > 0.0 {
            self.run();
        }
        Ok(())
    }

    /// Starts goose when it is first needed.
    fn run(self: &Arc<Load>) {
        let mut is_running = lock(&self.is_running);
        if *is_running {
            return;
        }
        *is_running = true;
        let loads = self
            .sides
            .iter()
            .map(|(_, load)| lock(load).current.subscribe());
        let loads = loads.collect();
        let load = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = steer(loads, USERS).await {
                let text = Text::new(
                    format!("the load generator has ended: {error:#}"),
                    format!("負荷生成が終了しました: {error:#}"),
                );
                load.events
                    .publish("problem", &json!({ "text": text, "part": "customer" }));
            }
            *lock(&load.is_running) = false;
        });
    }

    /// The load of each side, for a tick.
    pub(crate) fn state(&self) -> Value {
        let state = self.sides.iter().map(|(side, load)| {
            let load = lock(load);
            let rate = load.rate.borrow().get();
            let state = json!({ "rate": rate, "scenario": load.scenario.0 });
            (side.code().to_owned(), state)
        });
        Value::Object(state.collect::<Map<_, _>>())
    }

    /// Whether any side has a load.
    pub(crate) fn is_on(&self) -> bool {
        let mut loads = self.sides.iter().map(|(_, load)| lock(load));
        loads.any(|load| load.rate.borrow().get() > 0.0)
    }

    /// Enters what was sent since the last tick with each side. Returns the orders that the page
    /// shows.
    pub(crate) fn collect(&self) -> Vec<Value> {
        let mut shown = vec![];
        for (side, load) in &self.sides {
            let mut load = lock(load);
            load.follow(side);
            for begun in &mut load.attacks {
                shown.extend(begun.collect(side));
            }
            load.forget();
        }
        shown
    }
}

impl SideLoad {
    fn set(&mut self, side: &Side, rate: f64, scenario: (&'static str, Scenario)) {
        if scenario == self.scenario {
            self.rate.send_modify(|now| *now = now.changed_to(rate));
        } else {
            self.replace(side, rate, scenario);
        }
    }

    /// Begins another attack. Users of the one before see that it has ended, and change over.
    fn replace(&mut self, side: &Side, rate: f64, scenario: (&'static str, Scenario)) {
        let (rate, attack) = attack(side, scenario.1, rate);
        let attack = Arc::new(attack);
        for begun in &mut self.attacks {
            begun.replaced_ms.get_or_insert_with(now_ms);
        }
        self.attacks.push(Begun::now(Arc::clone(&attack)));
        self.current.send_replace(attack);
        self.scenario = scenario;
        self.rate = rate;
    }

    /// Follows the entry addresses, which change when the monolith is scaled.
    fn follow(&mut self, side: &Side) {
        let addresses = side.board.base_urls();
        if !addresses.is_empty() && self.current.borrow().base_urls != addresses {
            let rate = self.rate.borrow().get();
            self.replace(side, rate, self.scenario);
        }
    }

    fn forget(&mut self) {
        let oldest = now_ms() - KEPT_MS;
        let is_kept = |begun: &Begun| begun.replaced_ms.is_none_or(|at| at >= oldest);
        self.attacks.retain(is_kept);
    }
}

impl Begun {
    fn now(attack: Arc<Attack>) -> Begun {
        let begun_ms = now_ms() - attack.arrivals.elapsed().as_secs_f64() * 1_000.0;
        Begun {
            attack,
            at_ms: begun_ms,
            offered: 0,
            replaced_ms: None,
        }
    }

    /// Enters what has happened since the last call. Returns the orders that the page shows.
    fn collect(&mut self, side: &Side) -> Vec<Value> {
        let taken = self.attack.arrivals.taken();
        side.book.offer((taken - self.offered) as u64);
        self.offered = taken;
        let outcomes = self.attack.recorder.take();
        let mut sent = self.attack.accepted(&outcomes).into_iter();
        let mut shown = vec![];
        for outcome in outcomes.iter().filter(|one| one.is_order()) {
            let Some(order) = outcome.order else {
                side.book.refuse();
                continue;
            };
            let Some(sent) = sent.next() else { break };
            let sampling = self.attack.sampling.as_ref();
            let accepted = side.book.accept(Accepted {
                id: sent.id,
                sent: Some(sent),
                due_ms: self.at_ms + outcome.due.as_secs_f64() * 1_000.0,
                answer_ms: outcome.latency.as_secs_f64() * 1_000.0,
                customer: Some(order.customer),
                trace: sampling.and_then(|sampling| sampling.take(order.number)),
                by_hand: false,
            });
            shown.extend(accepted.map(|order| order.event(side.code())));
        }
        shown
    }
}

fn attack(side: &Side, scenario: Scenario, rate: f64) -> (watch::Sender<SteeredRate>, Attack) {
    let (sender, receiver) = watch::channel(SteeredRate::per_s(rate));
    let attack = Attack {
        base_urls: side.board.base_urls(),
        scenario,
        seed: rand::random(),
        keys: Uuid::now_v7().to_string(),
        products: side.products,
        last_orders: side.tokens.iter().map(|_| Mutex::default()).collect(),
        tokens: side.tokens.clone(),
        arrivals: Arrivals::steered(receiver),
        awaits: false,
        sampling: Some(Sampling::new(TRACE_EVERY)),
        recorder: Recorder::default(),
    };
    (sender, attack)
}

fn lock<T>(one: &Mutex<T>) -> MutexGuard<'_, T> {
    one.lock().unwrap_or_else(PoisonError::into_inner)
}
