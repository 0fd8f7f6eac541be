//! The reports on simulated results.

use analysis::model::{
    Arm, ArmName, Audit, Capacity, Check, Fault, FaultCase, FaultRun, LoadModel, Machine, Method,
    Partial, PostgresPlace, Probe, Quantiles, QueueSample, Rate, Results, Run, SCHEMA, Second,
    Settings, Storage,
};
use analysis::statistics::usl::Knee;

use super::*;

fn quantiles(ms: f64) -> Quantiles {
    Quantiles::of(&mut [0.8, 1.0, 1.0, 1.1, 2.0].map(|share| share * ms))
}

fn run(arm: Arm, pair: usize, ms: f64, remote_sqs: bool) -> Run {
    let kept = Check {
        promise: "made up".into(),
        examined: 5,
        broken: 0,
        example: None,
    };
    Run {
        arm: arm.into(),
        load: LoadModel::open(50.0),
        replicas: 1,
        pair,
        remote_sqs,
        settled: 5,
        cpu_ms: [
            (arm.title().to_owned(), ms),
            ("outside:generator".to_owned(), 1.0),
        ]
        .into(),
        sqs_calls: match arm {
            Arm::Services => [("SendMessageBatch".to_owned(), 60)].into(),
            _ => [].into(),
        },
        acknowledged_ms: quantiles(ms),
        settled_ms: quantiles(2.0 * ms),
        audit: Audit {
            checks: vec![kept],
            not_run: None,
        },
        ..Run::default()
    }
}

fn results(runs: Vec<Run>) -> Results {
    let probes = [(25.0, 25.0), (50.0, 50.0), (100.0, 99.0)].map(|(offered, good)| Probe {
        offered_per_s: offered,
        goodput_per_s: good,
        cpu_ms_per_order: 3.0,
        held: true,
    });
    Results {
        schema: SCHEMA,
        command: "cargo compare --arms A0,A3".into(),
        started_at: "2026-01-31T12:30:59.123Z".into(),
        partial: None,
        settings: Settings {
            method: Method::Quick,
            arms: vec![Arm::Monolith.into(), Arm::Services.into()],
            rates: vec![50.0],
            seed: 1,
            duration_s: 8.0,
            warm_up_s: 2.0,
            objective_ms: 500.0,
            cancellation_window_ms: 2_000,
            storage: Storage::Disk,
            postgres: PostgresPlace::Shared,
            injected_slowdown: None,
            sqs_latency: "p50 12 ms".into(),
        },
        machine: Machine {
            system: "Linux 6.1 x86_64".into(),
            processor: "a processor".into(),
            cores: 2,
            memory_bytes: Some(8 << 30),
            fsync: None,
        },
        versions: [].into(),
        runs,
        faults: vec![],
        soaks: vec![],
        capacities: vec![Capacity {
            arm: Arm::Monolith.into(),
            held_per_s: 100.0,
            lost_per_s: None,
            knee: Knee::fit(&probes.map(|probe| (probe.offered_per_s, probe.goodput_per_s))),
            probes: probes.to_vec(),
        }],
    }
}

/// A run in which one process was dead for five seconds.
fn faulty(arm: Arm, accepted: u64) -> FaultRun {
    let second = Second {
        offered: 50,
        accepted: Some(accepted / 5),
        settled: 50,
        backlog: 0,
    };
    let part = match arm {
        Arm::Monolith => "monolith",
        _ => "payment-service",
    };
    FaultRun {
        case: FaultCase {
            fault: Fault::Kill,
            arm,
            replicas: 1,
            part: part.to_owned(),
        },
        begin_s: 4.0,
        end_s: 9.0,
        due: 250,
        accepted,
        goodput_back_s: 0.0,
        backlog_gone_s: Some(4.1),
        acknowledged_ms: quantiles(9.0),
        settled_ms: quantiles(2_000.0),
        dead_letters: 0,
        capacity_per_s: None,
        order_expiry_s: 300.0,
        overdue_s: Some(10.0),
        latency_back_s: None,
        receives_per_message: None,
        usage: vec![],
        queues: vec![QueueSample {
            at_s: 8.0,
            messages: 407,
            oldest_s: 5.0,
        }],
        run: Run {
            seconds: vec![second; 15],
            ..run(arm, 0, 3.0, false)
        },
    }
}

fn again() -> ArmName {
    ArmName::Dial {
        arm: Arm::Monolith,
        repeat: 1,
    }
}

fn pairs() -> Vec<Run> {
    let noise = [1.0, 1.02, 0.99];
    let pairs = noise.iter().enumerate();
    pairs
        .flat_map(|(pair, noise)| {
            [
                run(Arm::Monolith, pair, 3.0 * noise, false),
                run(Arm::Services, pair, 9.0, false),
                run(Arm::Services, pair, 15.0, true),
            ]
        })
        .collect()
}

#[test]
fn the_page_begins_with_its_verdicts_and_needs_no_other_file() {
    let page = page::page(&results(pairs())).unwrap().into_string();
    let at = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| panic!("{text} is not there"))
    };
    assert!(at("CPU per settled order at 50 orders/s: 2.99 times as much") < at("<svg"));
    assert!(at("50 orders/s, SQS on this machine: 2.99") < at("<svg"));
    assert!(at("50 orders/s, SQS as slow as Amazon's: 4.98") < at("<svg"));
    at("2026-01-31 12:30 UTC");
    at("The monolith (A0) held 100 orders/s");
    at("cargo compare --arms A0,A3");
    for outside in ["src=", "href=", "@import", "url(", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.contains("could not be drawn"));
}

#[test]
fn the_linger_is_named_with_the_verdicts_and_with_the_figures_of_another() {
    let both = results(pairs());
    let page = page::page(&both).unwrap().into_string();
    let (named, drawn) = (page.find("a linger of 70 ms"), page.find("<svg"));
    assert!(named.is_some() && named < drawn, "{named:?}, {drawn:?}");
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let texts = [page, markdown::markdown(&both).unwrap(), summary(&both)];
    for text in texts.map(|text| one_line(&text)) {
        assert!(text.contains("70 ms, 2.84 times"), "{text}");
        assert!(text.contains("40 ms, 3.64 times and 32 ms"), "{text}");
    }
    let silent = |change: fn(&mut Results)| {
        let mut results = both.clone();
        change(&mut results);
        !markdown::markdown(&results).unwrap().contains("linger")
    };
    assert!(silent(
        |one| one.settings.arms = vec![Arm::Monolith.into(), again()]
    ));
    assert!(silent(
        |one| one.settings.postgres = PostgresPlace::Elsewhere
    ));
}

#[test]
fn a_report_without_runs_says_that_it_is_partial() {
    let mut nothing = results(vec![]);
    nothing.capacities.clear();
    nothing.partial = Some(Partial::Interrupted);
    let page = page::page(&nothing).unwrap().into_string();
    assert!(page.contains("This report is partial: it was interrupted."));
    assert!(page.contains("There is nothing to compare"));
    assert!(!page.contains("<svg"), "an empty drawing");
    let text = markdown::markdown(&nothing).unwrap();
    assert!(text.contains("**This report is partial: it was interrupted.**"));
}

#[test]
fn a_broken_promise_leaves_no_number_of_its_cell() {
    let mut runs = pairs();
    runs[1].audit.checks[0].broken = 2;
    let results = results(runs);
    let page = page::page(&results).unwrap().into_string();
    assert!(page.contains("void, because made up: broken 2 times"));
    assert!(!page.contains("2.99 times as much"));
    assert!(!results.all_promises_kept());
}

#[test]
fn one_late_run_silences_neither_its_cell_nor_another() {
    let mut runs = pairs();
    runs.extend(pairs().into_iter().map(|run| Run {
        load: LoadModel::open(25.0),
        ..run
    }));
    runs[0].void = Some("the generator was late".to_owned());
    runs[0].send_delay_ms.p99 = 9.0;
    let page = page::page(&results(runs)).unwrap().into_string();
    assert!(page.contains("CPU per settled order at 50 orders/s: "));
    assert!(page.contains("CPU per settled order at 25 orders/s: "));
    assert!(page.contains("void because the generator was late"));
}

#[test]
fn only_a_late_generator_is_reported_as_late() {
    let mut runs = pairs();
    runs[0].void = Some("9 of 100 requests failed".to_owned());
    let mut probe = run(Arm::Monolith, 0, 3.0, false);
    probe.load = LoadModel::Probe(Rate::per_s(50.0));
    probe.void = Some("the generator was late".to_owned());
    probe.send_delay_ms.p99 = 9.0;
    probe.noise.generator_percent = Some(60.0);
    runs.push(probe);
    let page = page::page(&results(runs)).unwrap().into_string();
    assert!(!page.contains("Runs were void because the generator was late"));
    assert!(!page.contains("generator used up to"));
}

#[test]
fn the_method_names_what_was_done_and_nothing_else() {
    let closed = pairs().into_iter().map(|run| Run {
        load: LoadModel::Closed { users: 50 },
        ..run
    });
    let mut closed = results(closed.collect());
    closed.settings.postgres = PostgresPlace::Elsewhere;
    closed.capacities.clear();
    let page = page::page(&closed).unwrap().into_string();
    assert!(page.contains("as a customer would"));
    for other in [
        "open model:",
        "on the same Postgres server",
        "builds, started",
    ] {
        assert!(!page.contains(other), "{other}");
    }
}

#[test]
fn a_diff_names_the_settings_that_differ() {
    let (before, mut after) = (results(pairs()), results(pairs()));
    assert!(
        diff::different_settings(&before, &after)
            .unwrap()
            .is_empty()
    );
    after.settings.duration_s = 20.0;
    let named = diff::different_settings(&before, &after).unwrap();
    assert_eq!(named, ["duration_s 8.0 -> 20.0"]);
}

#[test]
fn a_page_with_faults_begins_with_what_the_split_costs_and_what_it_buys() {
    let mut results = results(pairs());
    results.faults = vec![faulty(Arm::Monolith, 0), faulty(Arm::Services, 250)];
    let page = page::page(&results).unwrap().into_string();
    let at = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| panic!("{text} is not there"))
    };
    assert!(at("What the split costs, and what it buys") < at("aria-label=\"Verdicts\""));
    assert!(at("100%; 4.1 s") < at("<svg"));
    at("While its only process was dead, the monolith accepted 0% of the orders.");
    at("While payment-service was dead, the services accepted 100% of the orders.");
    at("At most 407 messages waited in the queues, the oldest for 5.0 s.");
    assert!(summary(&results).contains("F1 A3 payment-service"));

    results.faults[1].run.void = Some("an order is left".to_owned());
    let page = page::page(&results).unwrap().into_string();
    assert!(!page.contains("the services accepted 100%"));
    assert!(page.contains("broke a promise or left work: an order is left"));
}
