//! How much memory can be used without pushing anybody, this process included, into trouble: what
//! the machine has left, and what the control groups around the process leave of it.

use std::path::{Path, PathBuf};

use super::pseudo_file;

const KIB: u64 = 1024;

/// Where a control group of each version keeps its limit, its use, and the part of its use that
/// the kernel can take back at once.
struct Layout {
    mounts: &'static [&'static str],
    limit: &'static str,
    usage: &'static str,
    reclaimable: &'static str,
}

const VERSION_1: Layout = Layout {
    mounts: &["/sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    reclaimable: "total_inactive_file",
};

const VERSION_2: Layout = Layout {
    mounts: &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
    limit: "memory.max",
    usage: "memory.current",
    reclaimable: "inactive_file",
};

/// Bytes available to this process, or `None` when the system does not say.
pub fn available_memory_bytes() -> Option<u64> {
    let machine = pseudo_file::text("/proc/meminfo").and_then(|text| available_in(&text));
    let groups = pseudo_file::text("/proc/self/cgroup").unwrap_or_default();
    let group = groups.lines().filter_map(available_in_group).min();
    machine.into_iter().chain(group).min()
}

fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(KIB)
}

/// Reads one line of `/proc/self/cgroup` (`number:controllers:path`) and asks that group and those
/// above it. Inside a container the path may start further up than what is mounted there; the
/// groups that are missing then have no say, and the mount's own root has.
fn available_in_group(line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let layout = match controllers {
        "" => &VERSION_2,
        _ if controllers.split(',').any(|controller| controller == "memory") => &VERSION_1,
        _ => return None,
    };
    let path = Path::new(path.trim_start_matches('/'));
    let groups = layout.mounts.iter().flat_map(|mount| {
        path.ancestors().map(|group| Path::new(mount).join(group)).collect::<Vec<PathBuf>>()
    });
    groups.filter_map(|group| layout.available(&group)).min()
}

impl Layout {
    /// What a group leaves, or `None` when it has no limit (then it says `max`) or does not exist.
    fn available(&self, group: &Path) -> Option<u64> {
        let limit = pseudo_file::number(group.join(self.limit))?;
        let usage = pseudo_file::number(group.join(self.usage))?;
        let statistics = pseudo_file::text(group.join("memory.stat")).unwrap_or_default();
        let reclaimable = statistics
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(name, _)| *name == self.reclaimable)
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        Some(limit.saturating_sub(usage.saturating_sub(reclaimable)))
    }
}

#[cfg(test)]
mod tests {
    use surecopy_testkit::fuzz::Verdict;

    use super::*;

    #[test]
    fn fuzz_tables_of_memory() {
        let samples = ["MemTotal: 9 kB\nMemAvailable:     2048 kB\n", "0::/a/b", "7:cpu,memory:/a"];
        let samples = samples.map(|text| text.as_bytes().to_vec()).into();
        surecopy_testkit::fuzz::hold("fuzz_tables_of_memory", 150, samples, |input| {
            let text = String::from_utf8_lossy(input);
            // No such group is there, or what it says is a number.
            let group = text.lines().take(20).filter(|line| line.len() < 200);
            let group = group.filter_map(available_in_group).min();
            let is_taken = available_in(&text).is_some() || group.is_some();
            if is_taken { Verdict::Taken } else { Verdict::Refused }
        });
    }

    #[test]
    fn the_machine_says_kibibytes() {
        let text = "MemTotal:  9 kB\nMemFree: 1 kB\nMemAvailable:     3 kB\n";
        assert_eq!(available_in(text), Some(3 * KIB));
        assert_eq!(available_in("MemTotal: 9 kB\n"), None);
    }

    #[test]
    fn a_group_leaves_its_limit_less_what_cannot_be_taken_back() {
        let group = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(group.path().join(name), text).unwrap();
        write("memory.max", "1000\n");
        write("memory.current", "700\n");
        assert_eq!(VERSION_2.available(group.path()), Some(300));
        write("memory.stat", "anon 100\ninactive_file 600\n");
        assert_eq!(VERSION_2.available(group.path()), Some(900));
        write("memory.max", "max\n");
        assert_eq!(VERSION_2.available(group.path()), None);
        assert_eq!(VERSION_1.available(group.path()), None);
    }

    #[test]
    fn this_machine_says_something() {
        assert!(available_memory_bytes().is_some_and(|bytes| bytes > 0));
    }
}
