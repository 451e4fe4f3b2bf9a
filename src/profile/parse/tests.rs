use super::*;
use crate::profile::diagnostic::Diagnostic;
use crate::profile::source::Provenance;
use crate::profile::tree::{Kind, Node};

fn parse(text: &str) -> (String, Vec<Diagnostic>) {
    let source = Source::new("t", text.into(), Provenance::CommandLine, None);
    let report = Report::default();
    let table = document(&source, 0, &report);
    (show(&table), report.into_inner().0)
}

fn show(table: &Table) -> String {
    let entries = table.iter().map(|entry| format!("{}={}", entry.key, show_node(&entry.value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
}

fn show_node(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => format!("{text:?}"),
        Kind::Integer(number) => number.to_string(),
        Kind::Boolean(value) => value.to_string(),
        Kind::List(items) => format!("[{}]", items.iter().map(show_node).collect::<Vec<_>>().join(" ")),
        Kind::Table(table) => show(table),
        Kind::Fraction => "fraction".into(),
        Kind::Date => "date".into(),
        Kind::Broken => "broken".into(),
    }
}

#[test]
fn every_way_to_write_a_table_is_understood() {
    for (text, tree) in [
        ("a = 1\nb = \"x\\n\"\n", r#"{a=1 b="x\n"}"#),
        ("[a]\nb.c = 1\nb.d = 0x1F\n[a.e]\nf = true\n", "{a={b={c=1 d=31} e={f=true}}}"),
        ("[a.b]\nc = 1\n[a]\nd = 2\n", "{a={b={c=1} d=2}}"),
        ("[[a.b]]\nx = 1\n[[a.b]]\nx = 2\n[a.b.c]\ny = 3\n", "{a={b=[{x=1} {x=2 c={y=3}}]}}"),
        ("a = { b.c = 1, b.d = [ { e = 1 }, 'f' ], }\n", r#"{a={b={c=1 d=[{e=1} "f"]}}}"#),
        ("a = 1.5\nb = 1979-05-27\r\n\"c d\" = '''x\ny'''\n", r#"{a=fraction b=date c d="x\ny"}"#),
    ] {
        let (shown, problems) = parse(text);
        assert_eq!((shown.as_str(), problems.len()), (tree, 0), "{text}\n{problems:?}");
    }
}

#[test]
fn after_a_mistake_the_rest_is_still_read() {
    for (text, tree, count) in [
        ("a = \nb = 2\n", "{a=broken b=2}", 1),
        ("a\nb = 2\n", "{b=2}", 1),
        ("a = yes\nb = 2\n", "{a=broken b=2}", 1),
        ("[a\nb = 2\n[c]\nd = 1", "{a={b=2} c={d=1}}", 1),
        ("a = ['1' '2']\nb = \"x\nc = 3\n", "{a=[\"1\" \"2\"] b=broken c=3}", 2),
        ("a = { {x = 1}, y = 2 }\nb = 2\n", "{b=2}", 1),
        ("a = [1\n[b]\nc = 1\n[d]\ne = {x = 1\n[f]\n", "{a=broken b={c=1} d={e=broken} f={}}", 2),
        ("a = 1\na = 2\n[s]\n[s]\nb = 1\n", "{a=1 s={b=1}}", 2),
        ("[s]\na = 1\n[s.a]\nb = 1\n[t]\nc = 1\n", "{s={a=1} t={c=1}}", 1),
        ("a = {b = 1}\na.c = 2\n[a.d]\nx = 1\n", "{a={b=1}}", 2),
        ("a = 99999999999999999999999999999999999999999999\nb = 1\n", "{a=broken b=1}", 1),
    ] {
        let (shown, problems) = parse(text);
        assert_eq!((shown.as_str(), problems.len()), (tree, count), "{text}\n{problems:#?}");
    }
}

#[test]
fn hostile_texts_end_soon_and_without_panic() {
    for unit in ["[", "{", "a={", "a=[", "[[a]]\n", "a.", "\"", "'''", "a=1\n", "[a.b]\n", "\u{0}", "é=é\n", "=", "-"]
    {
        for length in [1, 17, 1000, 5000] {
            parse(&unit.repeat(length));
            parse(&format!("x = {}", unit.repeat(length)));
        }
    }
}
