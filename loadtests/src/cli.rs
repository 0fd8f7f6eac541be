//! The command line.

mod experiments;
mod values;

use std::path::PathBuf;

use analysis::model::Scenario;
use clap::{Args, Parser, Subcommand, ValueEnum};
use harness::deployment::slowdown_proxy::InjectedSlowdown;

pub(crate) use experiments::of_experiment;
pub use experiments::{FaultOptions, SoakOptions};
pub use values::{Arms, Faults};
use values::{parse_arms, parse_database, parse_rate, parse_scenario, parse_target};

/// Load tests of the shop, built twice.
#[derive(Parser, Debug)]
#[command(bin_name = "cargo", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Top,
}

#[derive(Subcommand, Debug)]
pub enum Top {
    /// Runs both architectures under the same load and reports their difference.
    ///
    /// Builds them, starts them with Postgres, SQS and a payment provider on this machine, loads
    /// them, audits every promise over their databases, and writes a report to target/compare.
    #[command(args_conflicts_with_subcommands = true)]
    Compare(Compare),
}

#[derive(Args, Debug)]
pub struct Compare {
    #[command(subcommand)]
    pub action: Option<Action>,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Subcommand, Debug)]
pub enum Action {
    /// Starts both architectures with a live page that shows and controls them, until Ctrl-C.
    Up(UpOptions),
    /// Starts each architecture, leaves it idle for ten seconds, and prints what its processes use
    /// and how soon they were ready.
    Idle(DeploymentOptions),
    /// Lets parts fail in the middle of a steady load, and shows what each architecture does then.
    Faults(FaultOptions),
    /// Loads each architecture for hours with a random fault in every minute, audits every minute,
    /// and says what grows.
    Soak(SoakOptions),
    /// Renders the report of an earlier comparison again.
    Report {
        /// Its results.json.
        results: PathBuf,
    },
    /// Prints what changed between two comparisons: two commits, or two machines.
    Diff {
        /// The results.json of the first.
        before: PathBuf,
        /// The results.json of the second.
        after: PathBuf,
    },
}

#[derive(Args, Debug, Clone)]
pub struct UpOptions {
    /// Opens the page in the browser.
    #[arg(long)]
    pub open: bool,

    /// Writes a file to source in a shell: addresses, databases, and the functions of the labs.
    #[arg(long, value_name = "FILE")]
    pub env: Option<PathBuf>,

    #[command(flatten)]
    pub deployment: DeploymentOptions,
}

/// The options of everything that starts deployments: a comparison, `up` and `idle`.
#[derive(Args, Debug, Clone)]
pub struct DeploymentOptions {
    /// The arms; the first is compared with each of the others: A0 the monolith, A1 events in one
    /// process, A2 services in one process, A3 services; `all` for the whole dial. The same
    /// arm twice shows the noise.
    #[arg(long, value_name = "ARMS", default_value = "A0,A3", value_parser = parse_arms)]
    pub arms: Arms,

    /// Decides every order, the sequence of runs, and which payments the provider declines.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Where the databases live. In memory, CPU compares without the disk's noise, and latencies
    /// mean nothing.
    #[arg(long, value_enum, default_value_t = Storage::Disk)]
    pub storage: Storage,

    /// One Postgres server for all databases, or one for each service.
    #[arg(long, value_enum, default_value_t = Postgres::Shared)]
    pub postgres: Postgres,
}

#[derive(Args, Debug, Clone)]
pub struct Options {
    /// The quick method, which is the default: under 3 minutes, and no claim finer than the noise.
    #[arg(long, conflicts_with = "full")]
    pub quick: bool,

    /// The full method: capacities, all scenarios, twelve pairs of runs per cell. Takes hours.
    #[arg(long, conflicts_with = "target")]
    pub full: bool,

    #[command(flatten)]
    pub deployment: DeploymentOptions,

    /// Orders per second, each compared on its own: `--rates 25,50,100`.
    #[arg(long, value_delimiter = ',', value_parser = parse_rate)]
    pub rates: Option<Vec<f64>>,

    /// The closed model: this many users, who each order again as soon as their order is settled.
    #[arg(long, conflicts_with_all = ["rates", "full"],
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub users: Option<u32>,

    /// Scenarios to run at these rates, such as `S1,S7`: S1 checkout, S2 mix, S3 hot product,
    /// S4 slow provider, S5 burst, S6 refusals, S7 cancellations, S8 ramp.
    #[arg(long, value_delimiter = ',', value_parser = parse_scenario)]
    pub scenarios: Option<Vec<Scenario>>,

    /// Pairs of runs for each combination of scenario and rate.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub pairs: Option<u32>,

    /// Length of the measured load of each run.
    #[arg(long, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub duration: Option<u64>,

    /// Compares one arm with its former self: `--arms A3 --baseline ../before/target/release`. DIR
    /// has the release binaries of another commit, built there by `cargo build --release`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["target", "full"])]
    pub baseline: Option<PathBuf>,

    /// Keeps the logs of all processes next to the report.
    #[arg(long)]
    pub keep: bool,

    /// Prints the results as JSON instead of the table.
    #[arg(long)]
    pub json: bool,

    /// Continues a comparison that was stopped: the runs in its results.json are not made again.
    /// Repeat the other options too.
    #[arg(long, value_name = "RESULTS", conflicts_with = "target")]
    pub resume: Option<PathBuf>,

    /// Compares shops that run already, and builds and starts nothing:
    /// `--target monolith=URL --target services=URL`.
    #[arg(long, value_name = "NAME=URL", value_parser = parse_target)]
    pub target: Vec<(String, String)>,

    /// A target's databases, for the audit: `monolith=postgres://...`. In an address
    /// `{database}` stands for orders, payments, inventory and shipping in turn; or name them one
    /// by one, as in `services.orders=postgres://...`.
    #[arg(long, value_name = "NAME=URL", value_parser = parse_database, value_delimiter = ' ',
          env = "TARGET_DATABASE", hide_env_values = true)]
    pub target_database: Vec<(String, String)>,

    /// A target's payment provider, whose ledger the audit reads.
    #[arg(long, value_name = "NAME=URL", value_parser = parse_target, value_delimiter = ' ',
          env = "TARGET_PROVIDER")]
    pub target_provider: Vec<(String, String)>,

    /// A target's SQS endpoint. It must serve this shop only, and accept requests without
    /// signature.
    #[arg(long, value_name = "NAME=URL", value_parser = parse_target, value_delimiter = ' ',
          env = "TARGET_QUEUES")]
    pub target_queues: Vec<(String, String)>,

    /// Slows an arm down by this many microseconds of CPU per order, to see whether the comparison
    /// finds it.
    #[arg(long, alias = "plant", value_name = "ARM=MICROSECONDS",
          value_parser = InjectedSlowdown::parse, hide = true)]
    pub inject_slowdown: Option<InjectedSlowdown>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Storage {
    Disk,
    Memory,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Postgres {
    Shared,
    Each,
}

#[cfg(test)]
mod tests {
    use analysis::model::Fault;
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mistyped_command_recommends_no_hidden_one() {
        for mistyped in ["foo", "doo", "dor", "slowdown", "proxy"] {
            let all = ["cargo", "compare", mistyped];
            let error = Cli::try_parse_from(all).unwrap_err().to_string();
            assert!(!error.contains("slowdown-proxy"), "{error}");
        }
        let cli = Cli::command();
        for command in cli.get_subcommands().next().unwrap().get_subcommands() {
            assert!(
                !command.is_hide_set(),
                "clap may recommend {}",
                command.get_name()
            );
        }
    }

    #[test]
    fn up_and_idle_take_only_options_that_do_something_there() {
        for command in ["up", "idle"] {
            let check = |arguments: &[&str], taken: bool| {
                let all = ["cargo", "compare", command].into_iter();
                let all = all.chain(arguments.iter().copied());
                assert_eq!(
                    Cli::try_parse_from(all).is_ok(),
                    taken,
                    "{command} {arguments:?}"
                );
            };
            check(
                &["--arms", "A0", "--storage", "memory", "--postgres", "each"],
                true,
            );
            check(&["--seed", "2"], true);
            for ignored in [
                &["--rates", "3"][..],
                &["--full"],
                &["--quick"],
                &["--json"],
                &["--keep"],
                &["--users", "2"],
                &["--scenarios", "S1"],
                &["--pairs", "2"],
                &["--duration", "3"],
                &["--target", "a=http://b"],
                &["--resume", "results.json"],
                &["--baseline", "../before/target/release"],
            ] {
                check(ignored, false);
            }
        }
    }

    #[test]
    fn faults_are_chosen_by_their_codes_and_all_of_them_are_the_default() {
        let chosen = |arguments: &[&str]| {
            let all = ["cargo", "compare", "faults"].iter().chain(arguments);
            let Top::Compare(compare) = Cli::try_parse_from(all)?.command;
            match compare.action {
                Some(Action::Faults(options)) => Ok(options.faults()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(chosen(&[]).unwrap(), Fault::ALL);
        let some = chosen(&["--faults", "F1,f14"]).unwrap();
        assert_eq!(some, [Fault::Kill, Fault::QueuesLost]);
        let both = chosen(&["--faults", "F5"]).unwrap();
        assert_eq!(both, [Fault::Pause, Fault::QueueServerKilled]);
        let unknown: clap::Error = chosen(&["--faults", "F15"]).unwrap_err();
        assert!(unknown.to_string().contains("choose from F1"));
    }

    #[test]
    fn wrong_values_are_refused_with_what_to_do() {
        let check = |arguments: &[&str], hint: &str| {
            let all = ["cargo", "compare"].iter().chain(arguments);
            let error = Cli::try_parse_from(all).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        };
        check(&["--rates", "fast"], "orders per second");
        check(&["--arms", "A7"], "choose from");
        check(&["--target", "monolith"], "NAME=URL");
        check(&["--quick", "--full"], "cannot be used with");
        check(&["--full", "--target", "a=http://b"], "cannot be used with");
        let baseline = ["--arms", "A3", "--baseline", "../before/target/release"];
        for other in [&["--full"][..], &["--target", "a=http://b"]] {
            check(&[&baseline, other].concat(), "cannot be used with");
        }
        check(&["--users", "0"], "1..=10000");
        check(&["--target-database", "services=http://"], "postgres://");
    }
}
