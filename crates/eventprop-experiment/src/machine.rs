//! The machine: its threads, and the memory that this process has and may still take.
//!
//! What the system does not tell (it does on Linux) is `None`.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use eventprop_data::bound;

/// Threads that every machine may have, however few its cores.
const THREADS: usize = 64;

/// Bytes of a MB.
pub const MB: f64 = 1024.0 * 1024.0;

/// Bytes in MB.
pub fn mb(bytes: Option<u64>) -> Option<f64> {
    bytes.map(|bytes| bytes as f64 / MB)
}

/// Logical processors.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The most threads that compute: four per core, and never fewer than 64. More of them only wait for each other.
pub fn threads_most() -> usize {
    THREADS.max(4 * cores())
}

/// Refuses a number of threads that is beyond [`threads_most`].
///
/// # Errors
/// The bound, in words that follow the number.
pub fn check_threads(threads: usize) -> Result<(), String> {
    let (most, cores) = (threads_most(), cores());
    if threads <= most {
        return Ok(());
    }
    Err(format!(
        "this machine has {cores} cores, and more than {most} threads only wait for each other; choose at most {most}, or leave it out for one per core"
    ))
}

/// Refuses a number of threads in the variable that rayon reads, and a bound on files that is no number of bytes.
///
/// # Errors
/// A sentence about the variable.
pub fn check_environment() -> Result<(), String> {
    const KEY: &str = "RAYON_NUM_THREADS";
    bound::check_environment()?;
    let asked = std::env::var(KEY).ok().and_then(|text| text.parse().ok());
    let threads = asked.unwrap_or(0);
    check_threads(threads).map_err(|problem| format!("{KEY} is {threads}; {problem}"))
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> Option<u64> {
    kilobytes(Path::new("/proc/self/status"), "VmRSS:")
}

/// The most that was resident so far in bytes.
pub fn peak_bytes() -> Option<u64> {
    kilobytes(Path::new("/proc/self/status"), "VmHWM:")
}

/// Lets [`peak_bytes`] begin anew at what is resident now: every measurement of a process has its own.
pub fn forget_peak() {
    // Where it cannot be done, the peak is that of the whole process.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Memory of the machine in bytes.
pub fn total_bytes() -> Option<u64> {
    kilobytes(Path::new("/proc/meminfo"), "MemTotal:")
}

/// Processes of this run on this machine, which share its memory.
static SHARING: AtomicU64 = AtomicU64::new(1);

/// Tells how many processes of this run are on this machine, this one among them: [`free_bytes`] is its part then.
pub fn share_memory(processes: usize) {
    SHARING.store(processes.max(1) as u64, Ordering::Relaxed);
}

/// Bytes that this process may still take: the least of the memory that is free with that on swap, and of what the
/// limits of the process (`ulimit`) and of its control groups (containers, batch systems) leave. Processes of one run
/// share what is not their own ([`share_memory`]).
pub fn free_bytes() -> Option<u64> {
    free_below(Path::new("/"), SHARING.load(Ordering::Relaxed))
}

/// [`free_bytes`] of a file system, of whose memory this process has one of `parts`.
fn free_below(root: &Path, parts: u64) -> Option<u64> {
    let meminfo = root.join("proc/meminfo");
    let swap = kilobytes(&meminfo, "SwapFree:").unwrap_or(0);
    let machine = kilobytes(&meminfo, "MemAvailable:").map(|free| free + swap);
    let limits = LIMITS.iter().filter_map(|limit| limit.left(root));
    let shared = machine.into_iter().chain(group(root));
    shared.map(|free| free / parts).chain(limits).min()
}

/// A limit of the process, as `/proc/self/limits` names it, and what counts towards it.
struct Limit {
    name: &'static str,
    used: &'static str,
}

const LIMITS: [Limit; 2] = [
    Limit {
        name: "Max address space",
        used: "VmSize:",
    },
    Limit {
        name: "Max data size",
        used: "VmData:",
    },
];

impl Limit {
    fn left(&self, root: &Path) -> Option<u64> {
        let limits = fs::read_to_string(root.join("proc/self/limits")).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix(self.name));
        let soft: u64 = line?.split_whitespace().next()?.parse().ok()?;
        let used = kilobytes(&root.join("proc/self/status"), self.used)?;
        Some(soft.saturating_sub(used))
    }
}

/// Files of a control group.
struct GroupFiles {
    limit: &'static str,
    used: &'static str,
    /// Cached files, which give way, in `memory.stat`.
    cached: &'static str,
}

/// The least that a control group of this process, or one around it, leaves.
fn group(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let left = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let (top, files) = if controllers.is_empty() {
            let files = GroupFiles {
                limit: "memory.max",
                used: "memory.current",
                cached: "inactive_file ",
            };
            (root.join("sys/fs/cgroup"), files)
        } else if controllers.split(',').any(|name| name == "memory") {
            let files = GroupFiles {
                limit: "memory.limit_in_bytes",
                used: "memory.usage_in_bytes",
                cached: "total_inactive_file ",
            };
            (root.join("sys/fs/cgroup/memory"), files)
        } else {
            return Vec::new();
        };
        let path = top.join(path.trim_start_matches('/'));
        let around = path.ancestors().take_while(|path| path.starts_with(&top));
        around.filter_map(|path| files.left(path)).collect()
    });
    left.min()
}

impl GroupFiles {
    fn left(&self, group: &Path) -> Option<u64> {
        let text = |name: &str| fs::read_to_string(group.join(name)).ok();
        let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
        let (limit, used) = (number(self.limit)?, number(self.used)?);
        let statistics = text("memory.stat").unwrap_or_default();
        let cached = statistics.lines().find_map(|l| l.strip_prefix(self.cached));
        let cached = cached.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(cached)))
    }
}

fn kilobytes(path: &Path, key: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let number: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free_with(files: &[(&str, &str)]) -> Option<u64> {
        part_with(files, 1)
    }

    /// One of `parts` of what a file system with these files leaves.
    fn part_with(files: &[(&str, &str)], parts: u64) -> Option<u64> {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("room");
            fs::write(path, text).expect("room");
        }
        free_below(root.path(), parts)
    }

    const MACHINE: (&str, &str) = (
        "proc/meminfo",
        "MemTotal: 900 kB\nMemAvailable: 500 kB\nSwapFree: 100 kB\n",
    );

    #[test]
    fn the_least_of_machine_limits_and_groups_counts() {
        const KIB: u64 = 1024;
        assert_eq!(free_with(&[]), None);
        assert_eq!(free_with(&[MACHINE]), Some(600 * KIB));
        let limits = (
            "proc/self/limits",
            "Limit  Soft Limit  Hard Limit  Units\nMax data size unlimited unlimited bytes\nMax address space 512000 unlimited bytes\n",
        );
        let status = ("proc/self/status", "VmSize: 100 kB\nVmData: 50 kB\n");
        assert_eq!(free_with(&[MACHINE, limits, status]), Some(400 * KIB));
        // What several processes share is divided, the limit of each is its own.
        assert_eq!(part_with(&[MACHINE], 2), Some(300 * KIB));
        let limited = [MACHINE, limits, status];
        assert_eq!(part_with(&limited, 2), Some(300 * KIB));
        let groups = ("proc/self/cgroup", "0::/job/step\n");
        let inner = ("sys/fs/cgroup/job/step/memory.max", "max\n");
        let outer = [
            ("sys/fs/cgroup/job/memory.max", "300000\n"),
            ("sys/fs/cgroup/job/memory.current", "200000\n"),
            (
                "sys/fs/cgroup/job/memory.stat",
                "anon 1\ninactive_file 50000\n",
            ),
        ];
        let all = [&[MACHINE, limits, status, groups, inner][..], &outer].concat();
        assert_eq!(free_with(&all), Some(150_000));
        assert_eq!(part_with(&all, 3), Some(50_000));
        let old = [
            MACHINE,
            ("proc/self/cgroup", "3:cpu:/\n2:memory,x:/a\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "100000"),
            ("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "90000"),
        ];
        assert_eq!(free_with(&old), Some(10_000));
    }

    #[test]
    fn this_machine_is_known() {
        if cfg!(target_os = "linux") {
            assert!(free_bytes().is_some_and(|bytes| bytes > 1 << 20));
            assert!(peak_bytes() >= resident_bytes() && resident_bytes() > Some(1 << 20));
        }
    }

    #[test]
    fn threads_have_a_bound_that_is_named() {
        let most = threads_most();
        assert!(most >= 64 && check_threads(most).is_ok());
        let error = check_threads(most + 1).expect_err("too many");
        assert!(error.contains(&format!("at most {most}")), "{error}");
    }
}
