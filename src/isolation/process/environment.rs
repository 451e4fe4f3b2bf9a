//! What the program's environment holds: nothing of the caller's but what is asked for.

use std::collections::BTreeMap;
use std::path::Path;

use super::Process;
use crate::host::Host;
use crate::isolation::Account;

pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Name to value, as the program gets it.
pub fn environment(section: &Process, account: &Account, runtime: &Path, host: &Host) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        ("PATH".to_string(), PATH.to_string()),
        ("HOME".to_string(), account.home.display().to_string()),
        ("USER".to_string(), account.name.clone()),
        ("LOGNAME".to_string(), account.name.clone()),
        ("SHELL".to_string(), account.shell.display().to_string()),
        ("XDG_RUNTIME_DIR".to_string(), runtime.display().to_string()),
    ]);
    if host.terminals().contains(&true)
        && let Some(terminal) = host.env("TERM")
    {
        env.insert("TERM".to_string(), terminal);
    }
    if !section.env_pass.is_empty() {
        let wanted = |name: &String| section.env_pass.iter().any(|pattern| matches(pattern, name));
        env.extend(host.env_all().into_iter().filter(|(name, _)| wanted(name)));
    }
    env.extend(section.env.clone());
    env
}

/// A shell pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|left| (0..=left.len()).any(|at| left.get(at..).is_some_and(|left| matches(rest, left)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("LC_*", "LC_ALL"));
        assert!(matches("LC_*", "LC_"));
        assert!(matches("*_PROXY", "HTTP_PROXY"));
        assert!(matches("A*B*C", "AxxBC"));
        assert!(!matches("LC_*", "XLC_ALL"));
        assert!(!matches("NO_COLOR", "NO_COLORS"));
        assert!(!matches("A*B", "é"));
    }
}
