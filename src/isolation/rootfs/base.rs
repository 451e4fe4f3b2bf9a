//! What a root is made of before the profile adds to it.

use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::Base;
use super::tree::{Content, Kind};
use crate::host::{Host, Node};
use crate::isolation::Access;

/// The parts of `base = "system"`, where the host has them.
const SYSTEM: [&str; 9] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt"];

/// What `base = "host"` leaves out: made anew inside, or covered because it is somebody's.
const NOT_OF_HOST: [&str; 7] = ["proc", "sys", "dev", "tmp", "run", "home", "root"];

/// Files and directories of /etc that no application needs and that hold what others must not know.
pub const SECRETS: [&str; 37] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/security/opasswd",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/sudo_logsrvd.conf",
    "/etc/doas.conf",
    "/etc/ssh/ssh_host_dsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssl/private",
    "/etc/pki/tls/private",
    "/etc/letsencrypt",
    "/etc/krb5.keytab",
    "/etc/NetworkManager/system-connections",
    "/etc/wpa_supplicant",
    "/etc/iwd",
    "/etc/netplan",
    "/etc/wireguard",
    "/etc/openvpn",
    "/etc/ipsec.secrets",
    "/etc/ipsec.d/private",
    "/etc/swanctl/private",
    "/etc/ppp/chap-secrets",
    "/etc/ppp/pap-secrets",
    "/etc/cryptsetup-keys.d",
    "/etc/crypttab",
    "/etc/credstore",
    "/etc/credstore.encrypted",
    "/etc/samba/smbpasswd",
    "/etc/cups/ssl",
    "/etc/docker/key.json",
    "/etc/rancher",
    "/etc/kubernetes",
];

/// Name at the top of the tree, and what stands there; the error is why nobody can say.
pub fn entries(base: Base, discard: bool, host: &Host) -> Vec<(PathBuf, Result<Content, Errno>)> {
    let names: Vec<String> = match base {
        Base::None => Vec::new(),
        Base::System => SYSTEM.iter().map(|name| name.to_string()).collect(),
        Base::Host => {
            let mut names = host.list(Path::new("/"));
            names.retain(|name| !NOT_OF_HOST.contains(&name.as_str()));
            names
        }
    };
    let bind = |source: &Path, kind| Content::Bind {
        source: source.to_owned(),
        kind,
        access: Access::ReadOnly,
        exec: true,
        discard: discard && kind == Kind::Directory,
        system: true,
    };
    names
        .iter()
        .filter_map(|name| {
            let path = Path::new("/").join(name);
            let content = match host.node(&path) {
                Node::Directory { .. } => Ok(bind(&path, Kind::Directory)),
                Node::File { .. } => Ok(bind(&path, Kind::File)),
                Node::Symlink { to } => Ok(Content::Link(to)),
                Node::Unreadable { errno } => Err(errno),
                Node::Missing | Node::Device { .. } | Node::Other => return None,
            };
            Some((path, content))
        })
        .collect()
}
