//! `[capabilities]`.

use std::str::FromStr;

use caps::Capability;

use super::reader::Reader;
use super::set::fold_spelled;
use crate::isolation::capabilities::{Capabilities, Keep};
use crate::isolation::nearest;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::tree::{Kind, Node, Table};

const ALL: &str = "all";

pub fn decode(reader: &Reader, table: &Table, capabilities: &mut Capabilities) {
    let Some(entry) = table.get("keep") else { return };
    let read = |item: &Node| name(reader, item);
    let kept = fold_spelled(reader, "keep", &entry.value, String::as_str, bare, read);
    capabilities.keep_origin = Some(reader.origin(entry.value.place));
    let all = kept.iter().find(|item| item.value == ALL);
    if let (Some(all), Some(more)) = (all, kept.iter().find(|item| item.value != ALL)) {
        // Silently keeping all of them would give more than the list seems to say.
        let message = "`keep` lists capabilities beside \"all\", which holds them already";
        reader.report.push(
            Diagnostic::error(more.place, message)
                .note(all.place, "\"all\" is kept here")
                .hint("begin the list with \"!*\" to keep only what it names"),
        );
    }
    capabilities.keep = match all {
        Some(_) => Keep::All,
        None => Keep::Only(kept.into_iter().map(|item| item.value).collect()),
    };
}

/// In lower case, without the prefix.
fn bare(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    lower.strip_prefix("cap_").unwrap_or(&lower).replace('-', "_")
}

/// As [`bare`] spells it.
fn name(reader: &Reader, item: &Node) -> Option<String> {
    if !matches!(item.kind, Kind::Text(_)) {
        return reader.wrong_entry("keep", item, "names", "write a name, as in \"net_bind_service\"");
    }
    let text = reader.entry("keep", item)?;
    let bare = bare(&text);
    if bare == ALL || Capability::from_str(&format!("CAP_{}", bare.to_ascii_uppercase())).is_ok() {
        return Some(bare);
    }
    let mut all: Vec<String> =
        caps::all().iter().map(|known| known.to_string().trim_start_matches("CAP_").to_ascii_lowercase()).collect();
    all.sort();
    let hint = match nearest(&bare, all.iter().map(String::as_str)) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => "capabilities(7) lists them; write them as in \"net_bind_service\"".into(),
    };
    reader.error(item.place, format!("there is no capability `{text}`"), hint)
}
