//! What sandboxes use, as a person reads it: a line a resource, or a table with a line a sandbox.

use std::fmt::Write;

use crate::isolation::cgroup::stats::{Pressure, Stall, Usage};
use crate::isolation::size;
use crate::say::printable;

/// In place of lines that would say nothing.
pub const NOTHING: &str =
    "nothing was counted: the sandbox has no cgroup of its own (a limit in [cgroup] gives it one)\n";

/// The same, of a sandbox in which nothing but the processes is limited: they have gone when it has ended.
pub const PROCESSES_ALONE: &str = "nothing but processes was counted: the sandbox's cgroup is for these alone (a limit in [cgroup] makes it count more)\n";

/// One sandbox in a table.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: String,
    pub usage: Usage,
    /// Of one CPU in hundredths of a percent, since the last look; `None` at the first.
    pub cpu_now: Option<u64>,
}

/// A line a resource; what nothing counted is left out.
pub fn lines(usage: &Usage) -> String {
    let optional =
        |name: &str, value: Option<String>| value.map(|value| format!(", {name} {value}")).unwrap_or_default();
    let mut text = String::new();
    if let Some(cpu) = &usage.cpu {
        let (user, system) = (cpu.user.map(seconds), cpu.system.map(seconds));
        let throttled = cpu.throttled.filter(|time| *time > 0).map(seconds);
        let (user, system) = (optional("user", user), optional("system", system));
        let _ = writeln!(text, "cpu: {}{user}{system}{}", seconds(cpu.usage), optional("held back", throttled));
    }
    if let Some(memory) = &usage.memory {
        let (peak, swap) = (optional("peak", memory.peak.map(size)), optional("swap", memory.swap.map(size)));
        let _ = writeln!(text, "memory: {}{peak}{swap}", size(memory.used));
    }
    // After the end there are none.
    if let Some(pids) = usage.pids.as_ref().filter(|pids| pids.current > 0) {
        let _ = writeln!(text, "pids: {}", pids.current);
    }
    if let Some(io) = &usage.io {
        let (read, written) = (size(io.read_bytes), size(io.written_bytes));
        let _ = writeln!(text, "io: read {read} in {}, written {written} in {}", io.reads, io.writes);
    }
    if usage.pressure != Pressure::default() {
        let _ = writeln!(text, "waiting, of the last 10s: {}", waiting(&usage.pressure));
    }
    text
}

/// The heading and a line each, at most `most` lines in all; where that is too few, the last says how many are missing.
/// Ids are shortened where there are too few columns for what stands beside them.
pub fn table(rows: &[Row], most: usize, columns: usize) -> String {
    let now = rows.iter().any(|row| row.cpu_now.is_some());
    let widest = columns.saturating_sub(if now { NUMBERS + 9 } else { NUMBERS }).max(SHORTEST);
    let ids: Vec<String> = rows.iter().map(|row| shortened(printable(&row.id), widest)).collect();
    let width = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0).max(SHORTEST);
    let mut text = format!("{:<width$} {:>10}", "ID", "CPU");
    if now {
        let _ = write!(text, " {:>8}", "NOW");
    }
    let _ = writeln!(text, " {:>7} {:>7} {:>7} {:>6} {:>7} {:>7}", "MEMORY", "PEAK", "SWAP", "PIDS", "READ", "WRITTEN");
    let whole = rows.len() < most.max(2);
    let shown = if whole { rows.len() } else { most.saturating_sub(2) };
    for (id, Row { usage, cpu_now, .. }) in ids.iter().zip(rows).take(shown) {
        let dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let _ = write!(text, "{id:<width$} {:>10}", dash(usage.cpu.as_ref().map(|cpu| seconds(cpu.usage))));
        if now {
            let _ = write!(text, " {:>8}", dash(cpu_now.map(percent)));
        }
        let memory = usage.memory.as_ref();
        let _ = write!(text, " {:>7}", dash(memory.map(|memory| size(memory.used))));
        let _ = write!(text, " {:>7}", dash(memory.and_then(|memory| memory.peak).map(size)));
        let _ = write!(text, " {:>7}", dash(memory.and_then(|memory| memory.swap).map(size)));
        let _ = write!(text, " {:>6}", dash(usage.pids.as_ref().map(|pids| pids.current.to_string())));
        let io = usage.io.as_ref();
        let _ = write!(text, " {:>7}", dash(io.map(|io| size(io.read_bytes))));
        let _ = writeln!(text, " {:>7}", dash(io.map(|io| size(io.written_bytes))));
    }
    if !whole {
        let _ = writeln!(text, "… and {} more", rows.len() - shown);
    }
    text
}

/// What the columns beside the ids take, and the least that an id is shortened to.
const NUMBERS: usize = 58;
const SHORTEST: usize = 12;

/// By its middle: the end tells those of one name apart.
fn shortened(id: String, widest: usize) -> String {
    const END: usize = "-1b2c3d4e".len();
    let length = id.chars().count();
    if length <= widest {
        return id;
    }
    let begin = id.chars().take(widest.saturating_sub(END + 1));
    begin.chain(['…']).chain(id.chars().skip(length.saturating_sub(END))).collect()
}

fn waiting(pressure: &Pressure) -> String {
    let stall = |name: &str, stall: Option<Stall>| Some(format!("{name} {}", percent(stall?.last_10s.into())));
    let Pressure { cpu, memory, io } = pressure;
    let each = [stall("cpu", *cpu), stall("memory", *memory), stall("io", *io)];
    each.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn seconds(microseconds: u64) -> String {
    format!("{}.{:03}s", microseconds / 1_000_000, microseconds / 1000 % 1000)
}

fn percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isolation::cgroup::stats::{Cpu, Io, Memory, Pids};

    fn busy() -> Usage {
        Usage {
            cpu: Some(Cpu { usage: 1_250_000, user: Some(1_000_000), system: Some(250_000), throttled: Some(0) }),
            memory: Some(Memory { used: 3 << 20, charged: 4 << 20, peak: Some(5 << 20), swap: None }),
            pids: Some(Pids { current: 7 }),
            io: Some(Io { read_bytes: 4096, written_bytes: 0, reads: 1, writes: 0 }),
            pressure: Pressure { cpu: Some(Stall { last_10s: 105, total: 9 }), ..Pressure::default() },
        }
    }

    #[test]
    fn what_nothing_counts_is_left_out() {
        let expected = "cpu: 1.250s, user 1.000s, system 0.250s\nmemory: 3M, peak 5M\npids: 7\n\
                        io: read 4K in 1, written 0 in 0\nwaiting, of the last 10s: cpu 1.05%\n";
        assert_eq!(lines(&busy()), expected);
        assert_eq!(lines(&Usage::default()), "");
    }

    #[test]
    fn a_table_has_a_line_each_and_a_dash_for_what_is_unknown() {
        let row = |id: &str, usage, cpu_now| Row { id: id.into(), usage, cpu_now };
        let rows = [row("web-1", busy(), Some(9950)), row("a\n", Usage::default(), None)];
        let text = table(&rows, usize::MAX, usize::MAX);
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let heading = ["ID", "CPU", "NOW", "MEMORY", "PEAK", "SWAP", "PIDS", "READ", "WRITTEN"];
        assert_eq!(words[0], heading);
        assert_eq!(words[1], ["web-1", "1.250s", "99.50%", "3M", "5M", "-", "7", "4K", "0"]);
        assert_eq!(words[2], ["a\\u{a}", "-", "-", "-", "-", "-", "-", "-", "-"]);
        let plain = table(&[row("x", Usage::default(), None)], usize::MAX, usize::MAX);
        assert!(!plain.contains("NOW"), "{plain}");
    }

    #[test]
    fn a_table_fits_the_lines_there_are() {
        let rows = vec![Row { id: "x".into(), usage: Usage::default(), cpu_now: None }; 10];
        for most in 3..15 {
            let text = table(&rows, most, usize::MAX);
            assert!(text.lines().count() <= most, "{most}: {text}");
            assert_eq!(text.contains("more"), most < 11, "{most}: {text}");
        }
        assert!(table(&rows, 5, usize::MAX).ends_with("… and 7 more\n"));
        assert_eq!(table(&[], 0, 0).lines().count(), 1);
    }

    #[test]
    fn numbers_are_seen_beside_the_longest_ids() {
        let long = format!("{}-93fcc2d1", "n".repeat(63));
        let row = |id: &str, cpu_now| Row { id: id.into(), usage: busy(), cpu_now };
        for (columns, id, now) in [
            (80, "nnnnnnnnnnnn…-93fcc2d1", None),
            (80, "nnn…-93fcc2d1", Some(5)),
            (20, "nn…-93fcc2d1", Some(5)),
            (0, "nn…-93fcc2d1", None),
            (130, &*long, None),
        ] {
            let text = table(&[row(&long, now), row("web-1", None)], usize::MAX, columns);
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[1].starts_with(&format!("{id} ")), "{columns}: {text}");
            assert!(lines[2].starts_with("web-1 ") && lines[1].chars().count() == lines[0].chars().count(), "{text}");
            assert!(columns < 80 || lines[1].chars().count() <= columns, "{columns}: {text}");
        }
    }
}
