//! `[rootfs]`.

use serde_json::{Value, json};

use super::Section;
use super::takes::{account, boolean, mode, pattern, record, reference, set, size, table, words};
use crate::profile::decode::placed::read::{DIRECTORY, FILE, FORMS};
use crate::profile::decode::rootfs::{BASES, DEVICES, HOMES, SYS, WRITES};

pub const ROOTFS: Section = Section {
    name: "rootfs",
    about: "the tree of files that the program sees as `/`",
    rows: &[
        (
            "base",
            || words(&BASES),
            "\"system\"",
            "`\"system\"`: `/usr /bin /sbin /lib* /etc /opt` read-only, without secrets; `\"host\"`: the whole host \
             read-only, home and run directories covered; `\"none\"`: only what is listed",
        ),
        ("layers", Vec::new, "", "trees, images or archives that form `/`"),
        (
            "writes",
            || words(&WRITES),
            "\"deny\"",
            "what becomes of writes to `/` itself. Before Linux 6.6 memory cannot hold the mark of a removed directory: removing one of the host's then fails (EIO), and `check` says so",
        ),
        ("writes-size", Vec::new, "", "limit of those writes"),
        ("home", || words(&HOMES), "\"empty\"", "the home of the account that runs it"),
        (
            "persist",
            || listed("persist"),
            "[]",
            "directories kept from one run to the next, by the sandbox's name; made with `mode` `\"0700\"`, which begins with 7; a launch that fails leaves none that it made",
        ),
        ("overlay", Vec::new, "", "host directories whose changes are kept apart"),
        ("read-only", || listed("read-only"), "[]", "parts of the host, not writable"),
        (
            "read-write",
            || listed("read-write"),
            "[]",
            "parts of the host, writable; `create` makes a missing source as a directory. Where sandboxes keep things (`~/.local/share/sandbox`, root's `/var/lib/sandbox`) and their records (`$XDG_RUNTIME_DIR/sandbox`, root's `/run/sandbox`) cannot be granted",
        ),
        ("tmpfs", || listed("tmpfs"), "[]", "empty directories in memory, with `mode` `\"0755\"`"),
        ("hide", || listed("hide"), "[]", "covered: empty, unreadable, unwritable"),
        ("files", files, "{}", "files whose contents stand in the profile; `mode` is `\"0644\"`"),
        ("symlinks", symlinks, "{}", "symbolic links"),
        ("devices", devices, "[]", "device nodes, over a minimal /dev"),
        ("sockets", Vec::new, "", "wayland, x11, pulse, …"),
        ("sys", || words(&SYS), "\"none\"", "/sys, which needs an own network"),
    ],
};

/// Entries of one of the lists that put something at a place.
fn listed(key: &str) -> Vec<Value> {
    let Some(form) = FORMS.iter().find(|form| form.key == key) else { return Vec::new() };
    let mark = if form.optional { "-?" } else { "" };
    let first = if form.optional { "(-[^:]|[^:!-])" } else { "[^:!-]" };
    let mut text = if form.pair {
        let mut text = pattern(&format!("^{first}[^:]*(:(/|~(/|$))[^:]*)?$"));
        text["not"] = json!({ "anyOf": [text["not"], stray(), { "pattern": "^-?~[^/:]" }, climbing(":([^:]*/)?")] });
        text
    } else {
        let mut text = pattern(&format!("^{mark}(/|~(/|$))[^:]*$"));
        text["not"] = json!({ "anyOf": [text["not"], stray(), root(mark), climbing("(^|/)")] });
        text
    };
    text["description"] = if form.pair { "source, or source:target".into() } else { "target".into() };
    let field = |key: &str| match key {
        "source" => vec![reference("path")],
        "target" => vec![reference("target")],
        "size" => size(),
        "mode" => mode(form.modes),
        "owner" => account(),
        _ => boolean(),
    };
    let fields: Vec<_> = form.keys.iter().map(|key| (*key, field(key))).collect();
    let mut entry = record(&[if form.pair { "source" } else { "target" }], &fields);
    if form.keys.contains(&"create") {
        let on = |key: &str| json!({ "required": [key], "properties": { key: { "const": true } } });
        entry["not"] = json!({ "allOf": [on("optional"), on("create")] });
    }
    set(vec![text, reference("variable"), entry])
}

/// `$NAME`, which is nothing; `$$` is a dollar.
fn stray() -> Value {
    json!({ "pattern": "(^|[^$])(\\$\\$)*\\$[A-Za-z_]" })
}

/// A `..` in a target, after what may stand before it.
fn climbing(before: &str) -> Value {
    json!({ "pattern": format!("{before}\\.\\.(/|$)") })
}

fn root(mark: &str) -> Value {
    json!({ "pattern": format!("^{mark}/+$") })
}

fn targets() -> Value {
    json!({ "allOf": [reference("target"), { "not": root("") }] })
}

fn files() -> Vec<Value> {
    let text = || vec![json!({ "type": "string" })];
    let file = record(&[], &[("text", text()), ("mode", mode(FILE)), ("owner", account())]);
    vec![table(targets(), vec![json!({ "type": "string" }), file, reference("removed")])]
}

fn symlinks() -> Vec<Value> {
    let text = json!({ "allOf": [reference("name"), { "not": { "pattern": "^~[^/]" } }] });
    vec![table(targets(), vec![text, reference("removed")])]
}

fn devices() -> Vec<Value> {
    let optional = format!("^-({})$", DEVICES.join("|"));
    set(vec![json!({ "enum": DEVICES }), pattern(&optional), pattern("^-?/.*dev/"), reference("variable")])
}

const _: () = assert!(DIRECTORY >> 9 == 3 && FILE >> 9 == 0, "`mode` knows how to write these");
