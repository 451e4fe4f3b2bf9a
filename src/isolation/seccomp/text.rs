//! Reads the `.tbl` files while compiling, so that a launch looks up no name that only a preset mentions, and a typing
//! error in a table is a compile error.

/// The next word at or after `from`, and where it ends. `#` comments run to the end of the line.
pub(super) const fn token(text: &'static str, from: usize) -> Option<(&'static str, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() && (bytes[at].is_ascii_whitespace() || bytes[at] == b'#') {
        if bytes[at] == b'#' {
            while at < bytes.len() && bytes[at] != b'\n' {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    if at == bytes.len() {
        return None;
    }
    let mut end = at;
    while end < bytes.len() && !bytes[end].is_ascii_whitespace() {
        end += 1;
    }
    Some((text.split_at(end).0.split_at(at).1, end))
}

pub(super) const fn number(word: &str) -> usize {
    let bytes = word.as_bytes();
    let (mut value, mut at) = (0, 0);
    while at < bytes.len() {
        assert!(bytes[at].is_ascii_digit(), "a number is made of digits");
        value = value * 10 + (bytes[at] - b'0') as usize;
        at += 1;
    }
    value
}

/// Below, at or above zero as `a` stands before, at or after `b`.
pub(super) const fn order(a: &str, b: &str) -> i32 {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() {
        if a[at] != b[at] {
            return a[at] as i32 - b[at] as i32;
        }
        at += 1;
    }
    a.len() as i32 - b.len() as i32
}

pub(super) const fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && order(a, b) == 0
}
