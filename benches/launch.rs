//! How long a launch takes, against the floor of the kernel, the least that the default plan needs, the same with what is
//! promised beside it, and bubblewrap: `cargo bench --bench launch`.
//!
//! From posix_spawn to the known exit status of a program that does nothing, static, as root and as an ordinary user.
//! `-- --rounds N` sets how often each is started (300).

mod measure;

use measure::caller::{Bench, Caller};
use measure::{in_turn, median, milliseconds, option, programs, quartiles, ratio, verdict};

fn main() {
    Bench::prepare(compare).as_each("launch");
}

fn compare(caller: &Caller, _stage: &str) {
    let rounds = option("--rounds", 300);
    let names = ["floor", "least", "promised", "bubblewrap", "sandbox"];
    let mut commands = [
        programs::floor(caller, "true"),
        programs::least(caller, "true"),
        programs::promised(caller, "true"),
        programs::bubblewrap(caller, "true"),
        programs::sandbox(caller, "true"),
    ];
    let times = in_turn(&mut commands, rounds);

    println!("launch as {}, medians of {rounds}:", caller.name);
    let mut counted = true;
    for (index, name) in names.iter().enumerate() {
        let scratch = caller.home().join("strace");
        let calls = programs::system_calls(&commands[index], &scratch);
        counted &= calls.is_some();
        let calls = calls.map_or("not counted".to_owned(), |calls| format!("{calls} system calls"));
        let (low, high) = quartiles(&times[index]);
        let (low, high) = (milliseconds(low), milliseconds(high));
        println!("  {name:<10} {:6.3} ms ({low:.3}–{high:.3}), {calls}", milliseconds(median(&times[index])));
    }
    if !counted {
        println!("skipped: system calls (hint: apt-get install strace)");
    }
    let [floor, least, promised, bubblewrap, sandbox] = [0, 1, 2, 3, 4].map(|index| median(&times[index]));
    verdict("sandbox / bubblewrap", ratio(sandbox, bubblewrap), 0.5, "");
    verdict("sandbox / floor", ratio(sandbox, floor), 1.4, "");
    for (name, time) in [("the least", least), ("what is promised", promised)] {
        println!("  {name}: {:.2} of bubblewrap, {:.2} of the floor", ratio(time, bubblewrap), ratio(time, floor));
    }
    parts(caller, rounds);
}

/// What the kernel asks for each part of the default plan.
fn parts(caller: &Caller, rounds: usize) {
    let parts = ["init", "memory", "covers", "loopback", "time", "landlock", "capabilities", "filter"];
    let all = parts.iter().map(std::slice::from_ref).chain([&parts[..]]);
    let mut commands = vec![programs::least(caller, "true")];
    commands.extend(all.map(|left_out| programs::least_without(caller, "true", left_out)));
    let times: Vec<_> = in_turn(&mut commands, rounds).iter().map(|times| median(times)).collect();
    for (part, time) in parts.iter().chain(&["all of these"]).zip(&times[1..]) {
        println!("  the least without {part:<12} {:6.3} ms less", milliseconds(times[0]) - milliseconds(*time));
    }
}
