//! What the system-call filter costs: compiling it, installing it, and an allowed call under it, against a filter of one
//! instruction in the same run.
//!
//! Each figure comes from processes of their own, because a filter cannot be taken off again; the kinds alternate.
//! `cargo bench --bench filter [ROUNDS]`.

use std::process::Command;
use std::time::Instant;

use sandbox::isolation::Findings;
use sandbox::isolation::seccomp::{Given, Preset, Seccomp, Step, plan};
use sandbox::sys::seccomp::install;

const KINDS: [&str; 6] = ["no filter", "allow-all", "default", "system-service", "strict", "compat"];
const ALLOW_ALL: [libc::sock_filter; 1] = [libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [mark, kind] = args.as_slice()
        && mark == "child"
    {
        let figures = child(kind);
        println!("{} {} {}", figures[0], figures[1], figures[2]);
        return;
    }
    let rounds = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(400);
    let mut figures = KINDS.map(|_| [const { Vec::new() }; 3]);
    for _ in 0..rounds {
        for (of_kind, kind) in figures.iter_mut().zip(KINDS) {
            for (all, one) in of_kind.iter_mut().zip(ask(kind)) {
                all.push(one);
            }
        }
    }
    println!("medians of {rounds} processes each");
    println!("{:<16} {:>12} {:>10} {:>10} {:>10} {:>10}", "", "", "compile µs", "first µs", "install µs", "getppid ns");
    for (of_kind, kind) in figures.iter_mut().zip(KINDS) {
        let step = step(kind);
        let count = match &step {
            Some(Step::Filter(filter)) => filter.program().len(),
            None => usize::from(kind == "allow-all"),
        };
        let compile = if step.is_some() { compile(kind) / 1e3 } else { 0.0 };
        let [first, install, call] = of_kind.each_mut().map(|all| median(all));
        let (first, install) = (first / 1e3, install / 1e3);
        println!("{kind:<16} {count:>4} instr. {compile:>12.2} {first:>10.2} {install:>10.2} {call:>10.2}");
    }
}

fn step(kind: &str) -> Option<Step> {
    let preset = match kind {
        "default" => Preset::Default,
        "system-service" => Preset::SystemService,
        "strict" => Preset::Strict,
        "compat" => Preset::Compat,
        _ => return None,
    };
    plan(&Seccomp { preset, ..Seccomp::default() }, Given::default(), &mut Findings::default())
}

fn ask(kind: &str) -> [f64; 3] {
    let this = std::env::current_exe().expect("the path of this program");
    let output = Command::new(this).args(["child", kind]).output().expect("this program starts again");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    <[f64; 3]>::try_from(figures)
        .unwrap_or_else(|_| panic!("{kind}: {} {}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// Nanoseconds of the first compilation in a process, of the installation, and of one call afterwards.
fn child(kind: &str) -> [f64; 3] {
    let start = Instant::now();
    let step = step(kind);
    let first = start.elapsed().as_nanos() as f64;
    nix::sys::prctl::set_no_new_privs().expect("no-new-privs");
    let start = Instant::now();
    match (&step, kind) {
        (Some(step), _) => step.apply().expect("the kernel takes the filter"),
        (None, "allow-all") => install(&ALLOW_ALL).expect("the kernel takes the filter"),
        _ => {}
    }
    let install = start.elapsed().as_nanos() as f64;
    let mut batches: Vec<f64> = (0..60)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..500 {
                std::hint::black_box(nix::unistd::getppid());
            }
            start.elapsed().as_nanos() as f64 / 500.0
        })
        .collect();
    [first, install, median(&mut batches)]
}

/// Nanoseconds from the section to the program, with everything warm.
fn compile(kind: &str) -> f64 {
    let mut times: Vec<f64> = (0..1000)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(step(kind));
            start.elapsed().as_nanos() as f64
        })
        .collect();
    median(&mut times)
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
