//! What the program's environment holds: nothing of the caller's but what is asked for.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::Chars;

use super::Process;
use crate::host::Host;
use crate::isolation::Account;

pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Name to value, as the program gets it.
pub fn environment(
    section: &Process,
    account: &Account,
    runtime: Option<&Path>,
    host: &Host,
) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        ("PATH".to_string(), PATH.to_string()),
        ("HOME".to_string(), account.home.display().to_string()),
        ("USER".to_string(), account.name.clone()),
        ("LOGNAME".to_string(), account.name.clone()),
        ("SHELL".to_string(), account.shell.display().to_string()),
    ]);
    env.extend(runtime.map(|runtime| ("XDG_RUNTIME_DIR".to_string(), runtime.display().to_string())));
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

/// A shell pattern in which `*` stands for any text and `?` for any character. On a mismatch only the last `*` takes in
/// one more character, so that no pattern takes more than the product of the lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut rest, mut left) = (pattern.chars(), name.chars());
    let mut last: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let here = left.clone();
        match (rest.next(), left.next()) {
            (Some('*'), _) => {
                left = here.clone();
                last = Some((rest.clone(), here));
                continue;
            }
            (Some('?'), Some(_)) => continue,
            (Some(a), Some(b)) if a == b => continue,
            (None, None) => return true,
            _ => {}
        }
        let Some((pattern, mut from)) = last.take() else { return false };
        if from.next().is_none() {
            return false;
        }
        (rest, left) = (pattern.clone(), from.clone());
        last = Some((pattern, from));
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
        assert!(matches("A?C", "AéC") && !matches("A?C", "AC") && !matches("?", ""));
        assert!(matches("*", "") && matches("**", "x") && matches("*?", "x") && !matches("*?", ""));
        assert!(matches("*a*a", "aaaa") && !matches("*a*b", "aaaa"));
        assert!(!matches(&"*a".repeat(50), &"a".repeat(49)), "and not for hours");
    }
}
