//! Sizes, durations, modes, percentages: exact, without rounding, and never wrapping round.

use std::time::Duration;

/// What is wrong with a quantity, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    pub hint: String,
}

fn wrong<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), hint: hint.into() })
}

/// Bytes: `4096`, `64K`, `256M`, `2G`, `1T`, in powers of 1024.
pub fn size(text: &str) -> Result<u64, Wrong> {
    const FORM: &str = "write a whole number and K, M, G or T, as in \"256M\"";
    if text.is_empty() {
        return wrong("an empty string is no size", FORM);
    }
    let (number, unit) = split(text);
    let shift = match unit {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => {
            let plain = unit.trim_start().to_ascii_uppercase();
            let letter = plain.strip_suffix("IB").or(plain.strip_suffix('B')).unwrap_or(&plain);
            return match letter {
                _ if number.is_empty() => wrong(format!("`{text}` is no size"), FORM),
                "" | "K" | "M" | "G" | "T" => wrong(
                    format!("`{text}` is no size"),
                    format!("write \"{number}{letter}\"; units are powers of 1024"),
                ),
                _ => wrong(format!("`{text}` is no size"), FORM),
            };
        }
    };
    if number.is_empty() {
        return wrong(format!("`{text}` is no size"), FORM);
    }
    match number.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << shift)) {
        Some(bytes) => Ok(bytes),
        None => wrong(format!("`{text}` is larger than any size"), "the largest is 16777215T"),
    }
}

/// `500ms`, `30s`, `5m`, `2h`, `1d`, and several of them, larger first: `1h30m`.
pub fn duration(text: &str) -> Result<Duration, Wrong> {
    const FORM: &str = "write a whole number and ms, s, m, h or d, as in \"30s\" or \"1h30m\"";
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let bad = || wrong(format!("`{text}` is no duration"), FORM);
    let (mut rest, mut total, mut smallest) = (text, 0u64, u64::MAX);
    while !rest.is_empty() {
        let (number, after) = split(rest);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        if number.is_empty() {
            return bad();
        }
        let Some((_, milliseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return match unit {
                "" if next.is_empty() => {
                    wrong(format!("`{text}` has no unit"), format!("write \"{text}s\" for seconds"))
                }
                "" => bad(),
                _ => wrong(format!("`{unit}` is no unit of time"), FORM),
            };
        };
        if *milliseconds >= smallest {
            return bad();
        }
        smallest = *milliseconds;
        let sum = number
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(*milliseconds))
            .and_then(|part| total.checked_add(part))
            // Beyond this the kernel's signed count of nanoseconds would wrap.
            .filter(|sum| *sum <= i64::MAX as u64 / 1_000_000);
        match sum {
            Some(sum) => total = sum,
            None => return wrong(format!("`{text}` is longer than any duration"), "the longest is 106751d"),
        }
        rest = next;
    }
    if text.is_empty() { bad() } else { Ok(Duration::from_millis(total)) }
}

/// Permission bits, `"0755"` or `"755"`.
pub fn mode(text: &str) -> Result<u32, Wrong> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    match u32::from_str_radix(text, 8) {
        Ok(mode) if octal => Ok(mode),
        _ => wrong(format!("`{text}` is no mode"), "write three or four octal digits, as in \"0755\""),
    }
}

/// Hundredths of a percent: `50%`, `12.5%`, `200%`.
pub fn percent(text: &str) -> Result<u64, Wrong> {
    let bad = || wrong(format!("`{text}` is no share of CPU time"), "write a percentage of one CPU, as in \"50%\"");
    let Some(number) = text.strip_suffix('%') else {
        // As the kernel's own file has it: a quota and its period.
        let (quota, period) = text.split_once(' ').unwrap_or((text, "100"));
        return match (quota.parse::<u64>().ok(), period.parse::<u64>().ok()) {
            (Some(quota @ 1..=10_000_000_000), Some(period @ 1..)) => wrong(
                format!("`{text}` is no share of CPU time"),
                format!("write \"{}%\", of one CPU", (quota * 100).div_ceil(period)),
            ),
            _ => bad(),
        };
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return bad();
    }
    let part = part.parse::<u64>().unwrap_or(0) * if part.len() == 1 { 10 } else { 1 };
    match whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(100)).and_then(|sum| sum.checked_add(part)) {
        Some(0) => wrong("a share of 0% would never run", "write at least \"0.1%\""),
        Some(sum) if sum <= 100_000_000 => Ok(sum),
        _ => wrong(format!("`{text}` is more than any machine has"), "100% is one whole CPU"),
    }
}

/// Leading digits, and what follows.
fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// A size as one writes it, in the largest unit that fits exactly.
pub fn show_size(bytes: u64) -> String {
    for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

pub fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) { format!("{}s", milliseconds / 1000) } else { format!("{milliseconds}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0", 0), ("4096", 4096), ("64K", 65536), ("2G", 2 << 30), ("007", 7), ("16777215T", 16_777_215 << 40)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
            assert_eq!(size(&show_size(bytes)), Ok(bytes));
        }
        for text in [
            "",
            "K",
            "1k",
            "1KB",
            "1 M",
            " 1M",
            "-1",
            "+1",
            "1.5G",
            "1e3",
            "0x10",
            "16777216T",
            "99999999999999999999",
            "1MM",
            "M1",
            "1M ",
            "٣K",
            "1_000",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(size("256mb").unwrap_err().hint, "write \"256M\"; units are powers of 1024");
        assert_eq!(size("256 M").unwrap_err().hint, "write \"256M\"; units are powers of 1024");
    }

    #[test]
    fn durations() {
        for (text, milliseconds) in [("0s", 0), ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h30m", 5_400_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
            assert_eq!(
                duration(&show_duration(Duration::from_millis(milliseconds))).unwrap().as_millis(),
                milliseconds.into()
            );
        }
        for text in
            ["", "10", "s", "-1s", "1.5s", "1s1m", "1s1s", "1 s", "1w", "99999999999d", "1s ", "18446744073709551616s"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modes_and_percentages() {
        assert_eq!((mode("0755"), mode("755"), mode("1777")), (Ok(0o755), Ok(0o755), Ok(0o1777)));
        for text in ["", "7", "75", "07555", "0o755", "888", "+755", "rwx", "-755"] {
            assert!(mode(text).is_err(), "{text}");
        }
        assert_eq!(percent("50000 100000").unwrap_err().hint, "write \"50%\", of one CPU");
        assert_eq!(percent("50").unwrap_err().hint, "write \"50%\", of one CPU");
        assert_eq!((percent("50%"), percent("12.5%"), percent("0.01%")), (Ok(5000), Ok(1250), Ok(1)));
        for text in ["", "%", "50", "0%", "1.234%", ".5%", "-1%", "1e3%", "99999999999999999999%"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
