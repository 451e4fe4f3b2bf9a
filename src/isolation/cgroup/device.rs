//! Which disk a path is on, and what is asked of each disk.

use std::path::Path;

use super::IoMax;
use super::key::{Key, Wish};
use super::settings::Lack;
use crate::host::Host;
use crate::isolation::Origin;
use crate::isolation::size;

/// Limits of paths on one disk become one wish: the kernel knows disks only, and what is written last for one of them
/// would silently take the place of what was written before. Two values for one direction contradict each other, and are
/// returned.
pub fn join(wishes: &mut Vec<Wish>, host: &Host) -> Vec<(Lack, Origin)> {
    let mut contradictions = Vec::new();
    let mut joined: Vec<(String, usize)> = Vec::new();
    let mut index = 0;
    while let Some(Wish { key, origin, required }) = wishes.get(index) {
        // Of a path that is on no disk its own carrying out says so.
        let Some(number) = as_limit(key).and_then(|limit| disk(&limit.device, host).ok()) else {
            index += 1;
            continue;
        };
        let Some((_, first)) = joined.iter().find(|(known, _)| *known == number) else {
            joined.push((number, index));
            index += 1;
            continue;
        };
        let (later, origin, required) = (key.clone(), origin.clone(), *required);
        let first = &mut wishes[*first];
        first.required |= required;
        if let (Key::IoMax(first), Key::IoMax(later)) = (&mut first.key, &later) {
            contradictions.extend(add(first, later, &number).into_iter().map(|lack| (lack, origin.clone())));
        }
        wishes.remove(index);
    }
    contradictions
}

fn as_limit(key: &Key) -> Option<&IoMax> {
    if let Key::IoMax(limit) = key { Some(limit) } else { None }
}

/// The directions that only the later one limits.
fn add(first: &mut IoMax, later: &IoMax, disk: &str) -> Vec<Lack> {
    let IoMax { device, read_bps, write_bps, read_iops, write_iops } = first;
    let mut contradictions = Vec::new();
    for (name, own, other) in [
        ("read-bps", read_bps, later.read_bps),
        ("write-bps", write_bps, later.write_bps),
        ("read-iops", read_iops, later.read_iops),
        ("write-iops", write_iops, later.write_iops),
    ] {
        match (*own, other) {
            (Some(own), Some(other)) if own != other => {
                let shown = |value: u64| if name.ends_with("bps") { size(value) } else { value.to_string() };
                let (own, other, later) = (shown(own), shown(other), later.device.display());
                let message = format!(
                    "io-max: {} and {later} are on one disk, {disk}, and its {name} cannot be both {own} and {other}",
                    device.display()
                );
                contradictions.push(Lack::new(message, format!("write {name} for one of them alone")));
            }
            _ => *own = own.or(other),
        }
    }
    contradictions
}

/// Major and minor number of the whole disk, as the kernel writes them: partitions have no limits of their own.
pub fn disk(path: &Path, host: &Host) -> Result<String, Lack> {
    let shown = path.display();
    let Some((major, minor)) = host.device(path) else {
        return Err(Lack::new(format!("{shown} does not exist"), "name a path on the disk, or its node in /dev"));
    };
    let number = format!("{major}:{minor}");
    let system = Path::new("/sys/dev/block").join(&number);
    // Anonymous devices, as of overlay, tmpfs, btrfs or NFS, are no disks that could be limited.
    if major == 0 || host.text(&system.join("dev")).is_none() {
        let message = format!("{shown} is on {number}, which is no disk");
        return Err(Lack::new(message, "name the disk's own node, as /dev/sda (findmnt --target says which it is)"));
    }
    if host.text(&system.join("partition")).is_none() {
        return Ok(number);
    }
    // `..` of what the link leads to: the directory of a partition lies in that of its disk.
    match host.text(&system.join("../dev")) {
        Some(disk) => Ok(disk.trim_end().to_owned()),
        None => Err(Lack::new(format!("{shown} is on a partition of an unknown disk"), "name the disk's own node")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Facts;

    #[test]
    fn paths_on_one_disk_are_one_limit() {
        let host = Host::known(Facts {
            devices: [
                ("/".to_owned(), Some((8, 0))),
                ("/srv".to_owned(), Some((8, 0))),
                ("/data".to_owned(), Some((8, 16))),
            ]
            .into(),
            texts: [
                ("/sys/dev/block/8:0/dev".to_owned(), Some("8:0\n".to_owned())),
                ("/sys/dev/block/8:16/dev".to_owned(), Some("8:16\n".to_owned())),
            ]
            .into(),
            ..Facts::default()
        });
        let line = |line| Origin { file: "a.toml".into(), line, column: 1 };
        let none = IoMax { device: "/".into(), read_bps: None, write_bps: None, read_iops: None, write_iops: None };
        let wish = |number, limit: IoMax| Wish { key: Key::IoMax(limit), origin: line(number), required: number > 1 };
        let root = wish(1, IoMax { read_bps: Some(1 << 20), ..none.clone() });
        let data = wish(2, IoMax { device: "/data".into(), read_bps: Some(7), ..none.clone() });
        let gone = wish(3, IoMax { device: "/gone".into(), read_bps: Some(8), ..none.clone() });
        let srv = IoMax { device: "/srv".into(), read_bps: Some(1 << 20), write_iops: Some(7), ..none.clone() };
        let mut wishes = vec![root.clone(), data.clone(), gone.clone(), wish(4, srv.clone())];
        assert_eq!(join(&mut wishes, &host), []);
        let both = IoMax { read_bps: Some(1 << 20), write_iops: Some(7), ..none };
        assert_eq!(wishes, [Wish { required: true, ..wish(1, both) }, data, gone]);

        let mut wishes = vec![root, wish(2, IoMax { read_bps: Some(900 << 20), ..srv })];
        let found = join(&mut wishes, &host);
        assert_eq!(found.len(), 1);
        let (lack, origin) = &found[0];
        let said = "io-max: / and /srv are on one disk, 8:0, and its read-bps cannot be both 1M and 900M";
        assert_eq!((lack.message.as_str(), lack.hint.as_str()), (said, "write read-bps for one of them alone"));
        assert_eq!(*origin, line(2));
    }

    #[test]
    fn a_path_names_the_disk_below_it() {
        let text = |text: &str| Some(text.to_owned());
        let host = Host::known(Facts {
            devices: [
                ("/data".to_owned(), Some((8, 17))),
                ("/dev/vda".to_owned(), Some((254, 0))),
                ("/tmp".to_owned(), Some((0, 40))),
            ]
            .into(),
            texts: [
                ("/sys/dev/block/8:17/dev".to_owned(), text("8:17\n")),
                ("/sys/dev/block/8:17/partition".to_owned(), text("1\n")),
                ("/sys/dev/block/8:17/../dev".to_owned(), text("8:16\n")),
                ("/sys/dev/block/254:0/dev".to_owned(), text("254:0\n")),
            ]
            .into(),
            ..Facts::default()
        });
        let disk = |path: &str| disk(Path::new(path), &host);
        assert_eq!(disk("/data").as_deref(), Ok("8:16"));
        assert_eq!(disk("/dev/vda").as_deref(), Ok("254:0"));
        assert_eq!(disk("/tmp").unwrap_err().message, "/tmp is on 0:40, which is no disk");
        assert_eq!(disk("/nowhere").unwrap_err().message, "/nowhere does not exist");
    }
}
