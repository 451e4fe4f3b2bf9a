//! What to write in the place of an entry, in the entry's own spelling; or what to set, where nobody can edit it.

use super::source::{Place, Provenance, Sources};
use super::tree::{Kind, Table};
use crate::isolation::Rewrite;

pub fn hint(rewrite: Rewrite, place: Place, sources: &Sources, merged: &Table) -> Option<String> {
    let source = sources.get(place.file);
    let text = source.slice(place);
    if let Provenance::BuiltIn { .. } = source.provenance {
        let vars = merged.get("vars").map(|entry| &entry.value.kind);
        let declares = |name: &str| matches!(vars, Some(Kind::Table(vars)) if vars.get(name).is_some());
        return Some(match (rewrite, variable(text, declares)) {
            (Rewrite::Optional | Rewrite::Created, Some(name)) => {
                format!("create it, or name another: --set {name}=PATH")
            }
            (Rewrite::Optional | Rewrite::Created, None) => "create it: the profile cannot do without it".to_owned(),
            (Rewrite::Elsewhere, Some(name)) => format!("name a directory where it may write: --set {name}=PATH"),
            (Rewrite::Elsewhere, None) => return None,
        });
    }
    let quote = text.chars().next()?;
    let created = rewrite == Rewrite::Created;
    match (rewrite, quote) {
        (Rewrite::Optional | Rewrite::Created, '"' | '\'') => {
            let rest = text.trim_start_matches(quote);
            let quotes = &text[..text.len() - rest.len()];
            // A colon may be a variable's, or the target's.
            let table = if rest.contains(':') { format!("{quotes}…{quotes}") } else { text.to_owned() };
            let or = if created { format!(", or write {{ source = {table}, create = true }}") } else { String::new() };
            Some(format!("create it{or}, or write {quotes}-{rest} to skip it where it is missing"))
        }
        (Rewrite::Created, '{') => {
            Some("create it, or add create = true, or optional = true to skip it where it is missing".to_owned())
        }
        (Rewrite::Optional, '{') => Some("create it, or add optional = true to skip it where it is missing".to_owned()),
        _ => None,
    }
}

/// The first of the variables in an entry that the profile declares, and `--set` therefore takes.
pub fn variable(text: &str, declares: impl Fn(&str) -> bool) -> Option<&str> {
    let names = text.split("${").skip(1).filter_map(|rest| rest.split(['}', ':']).next());
    names.into_iter().find(|name| declares(name))
}

#[cfg(test)]
mod tests {
    use crate::host::{Facts, Host, Node};
    use crate::isolation::Findings;
    use crate::plan;
    use crate::profile::{Overrides, load, load_text};

    fn host() -> Host {
        let mut facts = Facts { uid: Some(0), gid: Some(0), ..Facts::default() };
        facts
            .texts
            .insert("/etc/passwd".into(), Some("root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n".into()));
        facts.paths.insert("/".into(), Node::Directory { uid: 0, mode: 0o755 });
        Host::known(facts)
    }

    fn hints(loaded: &crate::profile::Loaded) -> Vec<String> {
        let mut findings = Findings::default();
        plan::plan(&loaded.profile, &host(), &mut findings);
        let missing = loaded.errors(&findings).list.into_iter();
        let missing = missing.filter(|error| error.message.contains("bind source"));
        missing.map(|error| error.hint.expect("an error has one")).collect()
    }

    #[test]
    fn a_missing_source_is_skipped_in_the_entrys_own_spelling() {
        let text = "[vars]\nwww = '/none'\n[rootfs]\nread-only = [\"./nope:/srv/x\", '${www}:/b', { source = '/c' }, \
                    \"\"\"/d\"\"\"]\n";
        let loaded = load_text(text, "/x/p.toml", &Overrides::default(), &host()).expect("no mistakes");
        let write = |text: &str| format!("create it, or write {text} to skip it where it is missing");
        let add = "create it, or add optional = true to skip it where it is missing".to_owned();
        assert_eq!(hints(&loaded), [write("\"-./nope:/srv/x\""), write("'-${www}:/b'"), add, write("\"\"\"-/d\"\"\"")]);
    }

    #[test]
    fn a_missing_directory_to_write_to_may_be_made() {
        let text = "[rootfs]\nread-write = ['./data', \"${HOME}/x:/y\", { source = '/c' }]\n";
        let loaded = load_text(text, "/x/p.toml", &Overrides::default(), &host()).expect("no mistakes");
        let skip = "to skip it where it is missing";
        let all = [
            format!("create it, or write {{ source = './data', create = true }}, or write '-./data' {skip}"),
            format!("create it, or write {{ source = \"…\", create = true }}, or write \"-${{HOME}}/x:/y\" {skip}"),
            format!("create it, or add create = true, or optional = true {skip}"),
        ];
        assert_eq!(hints(&loaded), all);
    }

    #[test]
    fn of_a_profile_that_nobody_can_edit_the_variable_is_named() {
        let overrides = Overrides { set: vec!["www=/none".into()], ..Overrides::default() };
        let loaded = load("nginx", &overrides, &host()).unwrap_or_else(|refused| panic!("{refused}"));
        assert_eq!(hints(&loaded), ["create it, or name another: --set www=PATH"]);
        let overrides = Overrides { set: vec!["www=./site".into()], ..Overrides::default() };
        let refused = load("nginx", &overrides, &host()).expect_err("it is relative to nothing");
        assert_eq!(refused.list[0].hint.as_deref(), Some("write an absolute path: --set www=\"$PWD/site\""));
    }
}
