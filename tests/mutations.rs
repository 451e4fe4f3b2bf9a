//! Profiles that nobody would write: no text may panic, every refusal has a remedy, and what is accepted means the
//! same once it is printed. `MUTATIONS=100000 cargo test --test mutations` looks longer.

mod random;
mod reads_back;
mod repository;

use std::fs;

use sandbox::host::Host;
use sandbox::profile::{self, Overrides};

use random::Random;

/// What texts are cut up and put together with.
const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "=",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "${",
    "$",
    "$$",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "\0",
    ",",
    ".",
    "!*",
    "!",
    "-",
    "~",
    ":",
    "/",
    "..",
    "0",
    "99999999999999999999",
    "-1",
    "1e5",
    "false",
    "true",
    "[[",
    "]]",
    "é",
    "\u{202e}",
    "#",
    "errno:",
    "max",
    "64K",
    "${x:-",
    "[rootfs]\n",
    "[process]\n",
    "\\u0000",
    "\\uD800",
    " ",
    "extends = ",
];

#[test]
fn no_text_panics_and_what_is_accepted_reads_back() {
    let bad = repository::root().join("tests/profiles/bad");
    let mut seeds: Vec<String> = Vec::new();
    for entry in fs::read_dir(bad).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            seeds.push(String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned());
        }
    }
    seeds.sort();
    seeds.push(include_str!("profiles/everything.toml").into());
    let facts = reads_back::facts();
    let host = Host::known(facts.clone());
    let count = std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(4000);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for turn in 0..count {
        let mut text = if turn % 4 == 0 { seeds[seeds.len() - 1].clone() } else { random.pick(&seeds).clone() };
        for _ in 0..=random.below(4) {
            mutate(&mut text, &seeds, &mut random);
        }
        let read = profile::load_text(&text, "/profiles/p.toml", &Overrides::default(), &host);
        accepted += usize::from(reads_back::judge(read, &facts, &text));
    }
    assert!(accepted > count / 100, "only {accepted} of {count} were accepted");
}

fn mutate(text: &mut String, seeds: &[String], random: &mut Random) {
    let at = random.boundary(text);
    let end = random.boundary(text).clamp(at, at.max(text.len().min(at + 40)));
    let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
    match random.below(4) {
        0 => text.insert_str(at, random.pick::<&str>(PIECES)),
        1 => text.replace_range(at..end, ""),
        2 => {
            let piece = text[at..end].to_owned();
            text.insert_str(random.boundary(text), &piece);
        }
        _ => {
            let other = random.pick(seeds).clone();
            let (from, to) = (random.boundary(&other), random.boundary(&other));
            text.insert_str(at, &other[from.min(to)..from.max(to)]);
        }
    }
}
