//! Which disk a path is on.

use std::path::Path;

use super::settings::Lack;
use crate::host::Host;

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
