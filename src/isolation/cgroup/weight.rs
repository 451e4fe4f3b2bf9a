//! Shares of disk time: only two of the kernel's ways to schedule a disk know them.

use std::path::Path;

use super::layout::ROOT;
use super::settings::Lack;
use crate::host::Host;

/// The ways that are in use on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedulers {
    /// The cost model, switched on for a disk in `io.cost.qos` of the root.
    pub cost: bool,
    pub bfq: bool,
}

/// A weight that nothing acts on would be a promise broken silently.
pub fn schedulers(place: &Path, host: &Host) -> Result<Schedulers, Lack> {
    let root = if place.starts_with(ROOT) { Path::new(ROOT) } else { place };
    let cost = host.text(&root.join("io.cost.qos")).unwrap_or_default().contains("enable=1");
    let bfq = host.list(Path::new("/sys/block")).iter().any(|disk| {
        let scheduler = Path::new("/sys/block").join(disk).join("queue/scheduler");
        host.text(&scheduler).unwrap_or_default().contains("[bfq]")
    });
    if !cost && !bfq {
        let hint = "as root: echo bfq > /sys/block/DISK/queue/scheduler, or switch io.cost.qos on";
        return Err(Lack::new("no disk of this machine shares its time by weight", hint));
    }
    Ok(Schedulers { cost, bfq })
}

/// bfq counts from 1 to 1000 with the same default of 100.
pub fn bfq(weight: u64) -> u64 {
    if weight <= 100 { weight } else { 100 + (weight - 100).saturating_mul(900) / 9900 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn weights_of_bfq() {
        assert_eq!([1, 100, 1090, 10_000].map(bfq), [1, 100, 190, 1000]);
    }

    #[test]
    fn a_disk_that_shares_by_weight() {
        let disk = |scheduler: &str| {
            Host::known(Facts {
                directories: [("/sys/block".to_owned(), vec!["sda".to_owned()])].into(),
                texts: [("/sys/block/sda/queue/scheduler".to_owned(), Some(scheduler.to_owned()))].into(),
                ..Facts::default()
            })
        };
        let place = Path::new("/sys/fs/cgroup/a");
        assert_eq!(schedulers(place, &disk("none [bfq]\n")), Ok(Schedulers { cost: false, bfq: true }));
        assert!(schedulers(place, &disk("[none] bfq\n")).is_err());
    }
}
