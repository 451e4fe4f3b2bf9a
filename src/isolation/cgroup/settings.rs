//! Values as the kernel's files take them, and how they read when they are in force.

use super::{Max, list};
use crate::host::Host;

/// One file of a cgroup, and what is written to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub file: String,
    pub value: String,
    /// A kernel that has no such file has no need of it.
    pub optional: bool,
}

/// What a key becomes on one version of cgroups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    pub settings: Vec<Setting>,
    /// How it differs from what the key says.
    pub approximate: Option<&'static str>,
}

/// Why a key cannot be carried out on this machine, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    pub message: String,
    pub hint: String,
}

impl Setting {
    pub fn new(file: &str, value: String) -> Setting {
        Setting { file: file.to_owned(), value, optional: false }
    }

    /// Whether the file says that the value is in force; the kernel rounds, sorts and adds lines of others.
    pub fn confirmed_by(&self, read: &str) -> bool {
        let (read, wanted) = (read.trim_end(), self.value.as_str());
        if read.lines().any(|line| line == wanted) {
            return true;
        }
        // Taking a limit of a disk back leaves no line of it.
        if let Some(device) =
            wanted.strip_suffix(" 0").or(wanted.strip_suffix(" rbps=max wbps=max riops=max wiops=max"))
        {
            return !read.lines().any(|line| line.split(' ').next() == Some(device));
        }
        // Written as a number, read with a word before it.
        if self.file.ends_with(".bfq.weight") {
            return read.lines().next().is_some_and(|line| line.strip_prefix("default ") == Some(wanted));
        }
        if self.file.starts_with("cpuset.") {
            return list::parse(read).is_some_and(|read| list::parse(wanted) == Some(read));
        }
        // Limits of memory are counted in pages, and unlimited is the highest number of pages.
        let wanted = if wanted == "-1" { u64::MAX } else { wanted.parse().unwrap_or(0) };
        let unlimited = i64::MAX as u64 - LARGEST_PAGE;
        match read {
            "max" => wanted >= unlimited,
            _ => read.parse().is_ok_and(|read: u64| {
                (read <= wanted && wanted - read < LARGEST_PAGE && counts_pages(&self.file))
                    || (read >= unlimited && wanted >= unlimited)
            }),
        }
    }
}

const LARGEST_PAGE: u64 = 65536;

fn counts_pages(file: &str) -> bool {
    file.starts_with("memory.") && !["memory.swappiness", "memory.oom.group"].contains(&file)
}

impl Carried {
    pub fn exactly(settings: Vec<Setting>) -> Carried {
        Carried { settings, approximate: None }
    }

    pub fn approximately(self, how: &'static str) -> Carried {
        Carried { approximate: Some(how), ..self }
    }
}

impl Lack {
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Lack {
        Lack { message: message.into(), hint: hint.into() }
    }
}

/// A limit as cgroup v2 writes it.
pub fn bytes(max: Max) -> String {
    match max {
        Max::Max => "max".into(),
        Max::Limit(limit) => limit.to_string(),
    }
}

/// In microseconds; every new cgroup has it.
pub const USUAL_PERIOD: u64 = 100_000;

/// Quota (`None`: unlimited) and period, in microseconds, of a share in hundredths of a percent of one CPU.
pub fn bandwidth(max: Max) -> Result<(Option<u64>, u64), Lack> {
    // The kernel takes periods up to a second and quotas down to a millisecond; a short period is felt less.
    const LONGEST: u64 = 1_000_000;
    const LEAST: u64 = 1_000;
    const WHOLE: u64 = 10_000;
    const MOST: u64 = 8192 * WHOLE;
    let Max::Limit(share) = max else { return Ok((None, USUAL_PERIOD)) };
    if share > MOST {
        return Err(Lack::new("it is more than 8192 CPUs", "write \"max\" for no limit"));
    }
    for period in [USUAL_PERIOD, LONGEST] {
        let quota = share.saturating_mul(period) / WHOLE;
        if quota >= LEAST {
            return Ok((Some(quota), period));
        }
    }
    Err(Lack::new("the kernel limits to no less than 0.1% of a CPU", "write \"0.1%\" or more"))
}

/// A size of huge pages as the kernel's file names spell it.
pub fn huge_page(size: u64, host: &Host) -> Result<String, Lack> {
    let directory = format!("hugepages-{}kB", size >> 10);
    let known = host.list(std::path::Path::new("/sys/kernel/mm/hugepages"));
    if !known.contains(&directory) {
        let sizes: Vec<_> = known.iter().filter_map(|name| name.strip_prefix("hugepages-")).collect();
        let hint = if sizes.is_empty() { "leave it out".into() } else { format!("it has {}", sizes.join(", ")) };
        return Err(Lack::new(format!("this machine has no huge pages of {} KiB", size >> 10), hint));
    }
    Ok(match size {
        size if size >= 1 << 30 => format!("{}GB", size >> 30),
        size if size >= 1 << 20 => format!("{}MB", size >> 20),
        size => format!("{}KB", size >> 10),
    })
}

/// Huge pages are counted whole.
pub fn round_down(max: Max, size: u64) -> Max {
    match max {
        Max::Limit(limit) if size > 0 => Max::Limit(limit - limit % size),
        max => max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_cpu_becomes_quota_and_period() {
        let share = |hundredths| bandwidth(Max::Limit(hundredths));
        assert_eq!(share(5_000), Ok((Some(50_000), 100_000)));
        assert_eq!(share(25_000), Ok((Some(250_000), 100_000)));
        assert_eq!(share(100), Ok((Some(1_000), 100_000)));
        assert_eq!(share(50), Ok((Some(5_000), 1_000_000)));
        assert_eq!(share(10), Ok((Some(1_000), 1_000_000)));
        assert_eq!(bandwidth(Max::Max), Ok((None, 100_000)));
        for nonsense in [0, 9, 8192 * 10_000 + 1, u64::MAX] {
            assert!(share(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn what_the_kernel_makes_of_a_value_is_recognised_and_nothing_else_is() {
        let confirmed = |file: &str, value: &str, read: &str| Setting::new(file, value.into()).confirmed_by(read);
        for (file, value, read) in [
            ("pids.max", "64", "64\n"),
            ("pids.max", "max", "max\n"),
            ("memory.max", "268435457", "268435456\n"),
            ("memory.max", "18446744073709551615", "max\n"),
            ("memory.limit_in_bytes", "-1", "9223372036854771712\n"),
            ("cpuset.cpus", "1,0,3-4", "0-1,3-4\n"),
            (
                "io.max",
                "8:0 rbps=1 wbps=max riops=max wiops=max",
                "9:0 rbps=2\n8:0 rbps=1 wbps=max riops=max wiops=max\n",
            ),
            ("io.weight", "default 50", "default 50\n8:0 70\n"),
            ("io.bfq.weight", "50", "default 50\n"),
            ("blkio.throttle.read_bps_device", "8:0 0", "8:16 5\n"),
            ("io.max", "8:0 rbps=max wbps=max riops=max wiops=max", ""),
        ] {
            assert!(confirmed(file, value, read), "{file} {value} {read}");
        }
        for (file, value, read) in [
            ("pids.max", "64", "63"),
            ("pids.max", "64", "max"),
            ("pids.max", "64", ""),
            ("memory.max", "268435456", "268500993"),
            ("memory.max", "268435456", "max"),
            ("memory.max", "268435456", "4096"),
            ("memory.oom.group", "1", "0"),
            ("cpuset.cpus", "0-1", "0"),
            ("io.max", "8:0 rbps=1", "8:0 rbps=2"),
            ("io.max", "8:0 rbps=max wbps=max riops=max wiops=max", "8:0 rbps=1 wbps=max riops=max wiops=max"),
            ("blkio.throttle.read_bps_device", "8:0 0", "8:0 5\n"),
            ("io.bfq.weight", "50", "default 100\n8:0 50\n"),
            ("cpu.max", "50000 100000", "max 100000"),
        ] {
            assert!(!confirmed(file, value, read), "{file} {value} {read}");
        }
    }

    #[test]
    fn huge_pages_by_the_kernels_names() {
        let facts = crate::host::Facts {
            directories: [(
                "/sys/kernel/mm/hugepages".to_owned(),
                vec!["hugepages-2048kB".to_owned(), "hugepages-1048576kB".to_owned()],
            )]
            .into(),
            ..Default::default()
        };
        let host = Host::known(facts);
        assert_eq!(huge_page(2 << 20, &host).as_deref(), Ok("2MB"));
        assert_eq!(huge_page(1 << 30, &host).as_deref(), Ok("1GB"));
        let lack = huge_page(64 << 10, &host).unwrap_err();
        assert_eq!(lack.message, "this machine has no huge pages of 64 KiB");
        assert_eq!(round_down(Max::Limit(5 << 20), 2 << 20), Max::Limit(4 << 20));
    }
}
