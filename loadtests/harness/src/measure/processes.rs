//! CPU and memory of processes, as the operating system counts them.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::process::Command;
use std::{fs, io};

/// All processes of this machine at one moment.
#[derive(Clone, Debug, Default)]
pub struct Processes(HashMap<u32, Usage>);

/// What a process does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    Runs,
    /// It was stopped by a signal, and goes on with another.
    Stopped,
    Ended,
}

/// What one process has used since its start.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Usage {
    pub parent: u32,
    /// User and system time of all threads, in milliseconds. Linux shows it to 10 ms, and to the
    /// nanosecond for processes with one thread. Postgres has many of those, and their rounding
    /// would add up.
    pub cpu_ms: f64,
    /// The same, of its children that have ended.
    pub ended_children_cpu_ms: f64,
}

impl Processes {
    /// # Errors
    /// When there is neither `/proc` nor a `ps`.
    pub fn now() -> io::Result<Processes> {
        match fs::read_dir("/proc/self") {
            Ok(_) => Processes::from_proc(),
            Err(_) => Processes::from_ps(),
        }
    }

    fn from_proc() -> io::Result<Processes> {
        let mut processes = HashMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // A process may have ended since the directory was read.
            if let Some(usage) = usage(pid) {
                processes.insert(pid, usage);
            }
        }
        Ok(Processes(processes))
    }

    fn from_ps() -> io::Result<Processes> {
        let output = Command::new("ps")
            .args(["-axo", "pid=,ppid=,time="])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(Processes(text.lines().filter_map(parse_ps).collect()))
    }

    /// These processes alone, without a search through all. Those that have ended are left out.
    pub fn only(pids: impl IntoIterator<Item = u32>) -> Processes {
        let found = pids.into_iter().filter_map(|pid| Some((pid, usage(pid)?)));
        Processes(found.collect())
    }

    /// A process with all its descendants. Linux names the children of each, so that no search
    /// through all processes is needed.
    ///
    /// # Errors
    /// When there is neither `/proc` nor a `ps`.
    pub fn tree_of(root: u32) -> io::Result<Processes> {
        if fs::metadata(children_of(root)).is_err() {
            return Processes::now();
        }
        let mut pids = vec![root];
        let mut seen = 0;
        while let Some(pid) = pids.get(seen) {
            // It may have ended by now.
            let children = read(&children_of(*pid)).unwrap_or_default();
            pids.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
            seen += 1;
        }
        Ok(Processes::only(pids))
    }

    pub fn cpu_ms(&self, pid: u32) -> f64 {
        self.0.get(&pid).map_or(0.0, |usage| usage.cpu_ms)
    }

    /// CPU of a process and all its descendants, ended ones included, in milliseconds. Postgres has
    /// one process per connection, and they come and go.
    pub fn tree_cpu_ms(&self, root: u32) -> f64 {
        let tree = self.tree(root);
        let usages = tree.iter().filter_map(|pid| self.0.get(pid));
        usages
            .map(|usage| usage.cpu_ms + usage.ended_children_cpu_ms)
            .sum()
    }

    pub fn tree(&self, root: u32) -> HashSet<u32> {
        let mut tree = HashSet::from([root]);
        loop {
            let before = tree.len();
            let children = self
                .0
                .iter()
                .filter(|(_, usage)| tree.contains(&usage.parent));
            let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
            tree.extend(children);
            if tree.len() == before {
                return tree;
            }
        }
    }
}

/// A small file of `/proc`. Its size is not known before it is read, and a page is enough for most:
/// without the room for it, the standard library begins with 32 bytes.
fn read(path: &str) -> io::Result<String> {
    let mut text = String::with_capacity(4096);
    fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

fn usage(pid: u32) -> Option<Usage> {
    let stat = read(&format!("/proc/{pid}/stat")).ok()?;
    let (mut usage, threads) = parse_stat(&stat)?;
    if threads == 1
        && let Some(exact) = exact_cpu_ms(pid)
    {
        usage.cpu_ms = exact;
    }
    Some(usage)
}

/// The children that the first thread of a process has started: most programs have no others.
fn children_of(pid: u32) -> String {
    format!("/proc/{pid}/task/{pid}/children")
}

/// What a process does. Without `/proc` it counts as running.
pub fn life(pid: u32) -> Life {
    let Ok(stat) = read(&format!("/proc/{pid}/stat")) else {
        let has_proc = fs::metadata("/proc/self").is_ok();
        return if has_proc { Life::Ended } else { Life::Runs };
    };
    let state = stat
        .rfind(')')
        .and_then(|end| stat[end + 1..].split_whitespace().next());
    match state {
        Some("T") => Life::Stopped,
        Some("Z" | "X") => Life::Ended,
        _ => Life::Runs,
    }
}

/// The program of a process: the name of its file. `None` where there is no `/proc`.
pub fn program(pid: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    Some(path.file_name()?.to_str()?.to_owned())
}

/// The resident set of a process, in bytes. `None` where there is no `/proc`.
pub fn memory_bytes(pid: u32) -> Option<u64> {
    kib_of(pid, "VmRSS").map(|kib| kib * 1024)
}

/// The open file descriptors of a process. `None` where there is no `/proc`.
pub fn descriptors(pid: u32) -> Option<u64> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64)
}

/// A line of `/proc/PID/status`, in KiB.
fn kib_of(pid: u32, name: &str) -> Option<u64> {
    let status = read(&format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The largest resident set that the process ever had, in bytes. Systems without that number give
/// the present one.
pub fn peak_memory_bytes(pid: u32) -> Option<u64> {
    if let Some(kib) = kib_of(pid, "VmHWM") {
        return Some(kib * 1024);
    }
    let output = Command::new("ps")
        .args(["-o", "rss=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let kib: u64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .ok()?;
    Some(kib * 1024)
}

/// The time on a core of the process's first thread, from the first number of `schedstat`, which is
/// in nanoseconds.
fn exact_cpu_ms(pid: u32) -> Option<f64> {
    let text = read(&format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e6)
}

/// The usage and the number of threads. Fields as proc(5) numbers them: 4 is the parent, 14 to 17
/// are times in ticks, 20 counts threads. The name in field 2 may contain spaces and brackets, so
/// counting begins after its end.
fn parse_stat(stat: &str) -> Option<(Usage, u32)> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |field: usize| -> Option<f64> { fields.get(field - 3)?.parse().ok() };
    let usage = Usage {
        parent: fields.get(1)?.parse().ok()?,
        cpu_ms: (ticks(14)? + ticks(15)?) * MS_PER_TICK,
        ended_children_cpu_ms: (ticks(16)? + ticks(17)?) * MS_PER_TICK,
    };
    Some((usage, fields.get(17)?.parse().ok()?))
}

/// The kernel shows 100 ticks per second to programs on every architecture that Rust supports.
const MS_PER_TICK: f64 = 10.0;

/// `pid ppid [[dd-]hh:]mm:ss[.cc]`
fn parse_ps(line: &str) -> Option<(u32, Usage)> {
    let mut fields = line.split_whitespace();
    let pid = fields.next()?.parse().ok()?;
    let parent = fields.next()?.parse().ok()?;
    let mut seconds = 0.0;
    for part in fields.next()?.split([':', '-']) {
        let part: f64 = part.parse().ok()?;
        seconds = seconds * 60.0 + part;
    }
    Some((
        pid,
        Usage {
            parent,
            cpu_ms: seconds * 1_000.0,
            ended_children_cpu_ms: 0.0,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_with_any_name_of_the_process() {
        let check = |name: &str| {
            let line = format!("42 ({name}) S 7 1 1 0 -1 4 0 0 0 0 150 50 30 20 20 0 1 0 9 0 0");
            let (usage, threads) = parse_stat(&line).unwrap();
            assert_eq!(threads, 1);
            assert_eq!(
                usage,
                Usage {
                    parent: 7,
                    cpu_ms: 2_000.0,
                    ended_children_cpu_ms: 500.0
                }
            );
        };
        check("postgres");
        check("a) (b c) 1 2 3");
    }

    #[test]
    fn times_of_ps_are_read_with_and_without_hours() {
        let check = |time: &str, cpu_ms: f64| {
            let (pid, usage) = parse_ps(&format!("  12   1 {time}")).unwrap();
            assert_eq!((pid, usage.parent), (12, 1));
            assert!((usage.cpu_ms - cpu_ms).abs() < 1e-6, "{usage:?}");
        };
        check("0:01.50", 1_500.0);
        check("01:02:03", 3_723_000.0);
    }

    #[test]
    fn a_process_is_seen_with_its_child_while_it_runs_is_stopped_and_has_ended() {
        if fs::metadata("/proc/self").is_err() {
            return;
        }
        let shell = ["-c", "sleep 60 & echo; wait"];
        let mut shell = Command::new("sh")
            .args(shell)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut line).unwrap();
        let pid = shell.id();
        let signal = |name: &str, pid: u32| {
            let arguments = ["-s", name, &pid.to_string()];
            assert!(
                Command::new("kill")
                    .args(arguments)
                    .status()
                    .unwrap()
                    .success()
            );
        };
        let until = |pid: u32, expected: Life| {
            let started = std::time::Instant::now();
            while life(pid) != expected {
                assert!(
                    started.elapsed().as_secs() < 10,
                    "{pid} never became {expected:?}"
                );
                std::thread::yield_now();
            }
        };
        assert_eq!(life(pid), Life::Runs);
        let tree = Processes::tree_of(pid).unwrap().tree(pid);
        assert_eq!(tree.len(), 2, "the shell and its sleep");
        signal("STOP", pid);
        until(pid, Life::Stopped);
        signal("CONT", pid);
        until(pid, Life::Runs);
        for pid in tree {
            signal("KILL", pid);
        }
        shell.wait().unwrap();
        until(pid, Life::Ended);
    }

    #[test]
    fn a_process_of_one_thread_is_counted_finer_than_a_tick() {
        if !std::path::Path::new("/proc/self/schedstat").exists() {
            return;
        }
        let mut waiting = Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let cpu_ms = Processes::now().unwrap().cpu_ms(waiting.id());
        waiting.kill().unwrap();
        waiting.wait().unwrap();
        assert!(cpu_ms > 0.0 && cpu_ms % MS_PER_TICK != 0.0, "{cpu_ms}");
    }

    #[test]
    fn our_own_work_shows_in_our_own_tree() {
        let before = Processes::now().unwrap();
        let started = std::time::Instant::now();
        let mut work = 0_u64;
        while started.elapsed().as_millis() < 60 {
            work = work.wrapping_add(started.elapsed().as_nanos() as u64);
        }
        let after = Processes::now().unwrap();
        let pid = std::process::id();
        assert!(after.tree_cpu_ms(pid) > before.tree_cpu_ms(pid), "{work}");
        assert!(peak_memory_bytes(pid).unwrap() > 1 << 20);
    }
}
