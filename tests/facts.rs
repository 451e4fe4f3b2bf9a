//! Machines that cannot exist: planning with facts that are damaged or absurd never panics. `check --host` takes them
//! from a file, and a record's are read back by later commands. `FACTS=20000 cargo test --test facts` looks longer.

mod random;
mod reads_back;
mod repository;

use sandbox::host::{Facts, Host};
use sandbox::profile::{self, Overrides};
use serde_json::Value;

use random::Random;
use repository::MACHINES;

const PROFILES: [&str; 8] = ["hello", "unknown", "nginx", "redis", "git", "gui", "cargo", "strict"];

/// What any value may turn into.
fn absurd(random: &mut Random) -> Value {
    match random.below(12) {
        0 => Value::Null,
        1 => u64::MAX.into(),
        2 => i64::MIN.into(),
        3 => 0.into(),
        4 => u32::MAX.into(),
        5 => "".into(),
        6 => "\u{0}\n:::\n0::/\u{1b}".into(),
        7 => "x".repeat(5000).into(),
        8 => true.into(),
        9 => Value::Array(vec![]),
        10 => "999999999999999999999999 -1 max\n".into(),
        _ => serde_json::json!({}),
    }
}

#[test]
fn no_machine_makes_planning_panic() {
    let count = std::env::var("FACTS").ok().and_then(|count| count.parse().ok()).unwrap_or(600);
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let everything =
        repository::read("tests/profiles/everything.toml").replace("nested = \"mounts\"", "nested = false");
    let (mut believed, mut planned) = (0, 0);
    for turn in 0..count {
        let mut machine: Value = repository::machine(MACHINES[turn % MACHINES.len()]);
        for _ in 0..=random.below(4) {
            damage(&mut machine, &mut random);
        }
        // Most damage is a wrong type, and refused as a whole.
        let Ok(facts) = serde_json::from_value::<Facts>(machine) else { continue };
        believed += 1;
        let host = || Host::known(facts.clone());
        let overrides = Overrides { args: Some(vec!["./x".into()]), ..Overrides::default() };
        let named = profile::load(PROFILES[random.below(PROFILES.len())], &overrides, &host());
        let written = profile::load_text(&everything, "/profiles/p.toml", &overrides, &host());
        for loaded in [named, written].into_iter().flatten() {
            planned += usize::from(!reads_back::planned(&loaded, &facts).is_empty());
        }
    }
    assert!(believed > count / 4 && planned > count / 4, "{believed} of {count} believed, {planned} planned");
}

/// One value somewhere inside becomes another, or goes, or has a letter changed.
fn damage(value: &mut Value, random: &mut Random) {
    let inner = match value {
        Value::Object(fields) if !fields.is_empty() && random.below(40) > 0 => {
            let at = random.below(fields.len());
            fields.iter_mut().nth(at).map(|(_, value)| value)
        }
        Value::Array(items) if !items.is_empty() && random.below(20) > 0 => {
            let at = random.below(items.len());
            items.get_mut(at)
        }
        _ => None,
    };
    if let Some(inner) = inner {
        return damage(inner, random);
    }
    match value {
        Value::String(text) if random.below(12) > 0 => {
            let mut bytes = std::mem::take(text).into_bytes();
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                match (bytes.get_mut(at), random.below(3)) {
                    (Some(byte), 0) => *byte ^= 1 << random.below(7),
                    (Some(_), 1) => drop(bytes.remove(at)),
                    _ => bytes.truncate(at),
                }
            }
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Value::Bool(value) if random.below(8) > 0 => *value = !*value,
        Value::Number(number) if random.below(8) > 0 => {
            let near = [0, 1, u64::from(u32::MAX), u64::MAX, number.as_u64().unwrap_or(0).wrapping_sub(1)];
            *value = near[random.below(near.len())].into();
        }
        _ => *value = absurd(random),
    }
}
