use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Step, plan};
use crate::host::{Format, Host, Node};
use crate::isolation::{Findings, rootfs};
use crate::profile::{Overrides, load_text};

/// The text that goes inside as /etc/passwd of a granted tree, where `there` was a file when planning looked.
fn passwd(etc: &Path, there: &Path, swap: impl Fn(&Path)) -> String {
    let _ = fs::remove_file(there);
    fs::write(there, "other:x:4000000000:1::/:/bin/sh\n").unwrap();
    fs::write(etc.join("group"), "").unwrap();
    let host = Host::live();
    assert!(matches!(host.canonical(there).1, Node::File { .. }));
    swap(there);
    let text = format!("[process]\ncommand = [\"/bin/true\"]\n[rootfs]\nread-only = [\"{}:/etc\"]\n", etc.display());
    let loaded = load_text(&text, "swapped.toml", &Overrides::default(), &host).unwrap();
    let mut findings = Findings::default();
    let plan = plan(&loaded.profile, &host, &mut findings).unwrap_or_else(|| panic!("{findings:?}"));
    let file = |step| match step {
        Step::Rootfs(rootfs::Step::File { target, text, .. }) if target.path == Path::new("/etc/passwd") => Some(text),
        _ => None,
    };
    plan.init.into_iter().find_map(file).expect("the program's account is put into /etc/passwd")
}

#[test]
fn a_link_in_place_of_what_was_found_is_not_followed() {
    let directory: PathBuf =
        fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("sandbox-swapped-{}", std::process::id()));
    let etc = directory.join("etc");
    fs::create_dir_all(&etc).unwrap();
    let (secret, there) = (directory.join("secret"), etc.join("passwd"));
    fs::write(&secret, "#!/secret\n").unwrap();
    let put_link = |at: &Path| {
        fs::remove_file(at).unwrap();
        symlink(&secret, at).unwrap();
    };
    assert!(!passwd(&etc, &there, put_link).contains("secret"));
    // Nor what a link above it leads to.
    let above = |_: &Path| {
        fs::rename(&etc, directory.join("away")).unwrap();
        symlink("away", &etc).unwrap();
    };
    assert!(!passwd(&etc, &there, above).contains("other"));
    fs::remove_file(&etc).unwrap();
    fs::rename(directory.join("away"), &etc).unwrap();
    // The control: what stands there itself is read.
    assert!(passwd(&etc, &there, |_| {}).contains("other"));

    assert_eq!(Host::live().format(&secret), Format::Script { interpreter: "/secret".to_owned() });
    put_link(&there);
    assert_eq!(Host::live().format(&there), Format::Unclear);
    fs::remove_dir_all(directory).unwrap();
}
