//! What a text with `${…}` in it is made of. Nothing here is recursive: however deep defaults lie in one another, the
//! outermost is one piece, and what is within it is its text.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    Text(&'t str),
    /// `$$`
    Dollar,
    /// A `$` that means itself, and all that follows it.
    Bare(&'t str),
    /// What stands between the braces.
    Variable(&'t str),
    /// From a `${` without its `}` to the end.
    Unclosed(&'t str),
}

pub struct Pieces<'t> {
    rest: &'t str,
}

pub fn pieces(text: &str) -> Pieces<'_> {
    Pieces { rest: text }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let rest = self.rest;
        let at = rest.find('$').unwrap_or(rest.len());
        if at > 0 {
            self.rest = &rest[at..];
            return Some(Piece::Text(&rest[..at]));
        }
        let after = rest.strip_prefix('$')?;
        if let Some(after) = after.strip_prefix('$') {
            self.rest = after;
            return Some(Piece::Dollar);
        }
        let Some(inner) = after.strip_prefix('{') else {
            self.rest = after;
            return Some(Piece::Bare(after));
        };
        let Some(end) = closing_brace(inner) else {
            self.rest = "";
            return Some(Piece::Unclosed(rest));
        };
        self.rest = &inner[end + 1..];
        Some(Piece::Variable(&inner[..end]))
    }
}

/// The name and the default of `NAME:-DEFAULT`.
pub fn name_and_default(inner: &str) -> (&str, Option<&str>) {
    match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    }
}

/// Where the `}` is that closes what came before `text`; braces within a default count.
pub fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut before = '\0';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_its_pieces_and_no_byte_is_lost() {
        let found: Vec<_> = pieces("a$$b${x:-${y}}$c${d").collect();
        let expected = [
            Piece::Text("a"),
            Piece::Dollar,
            Piece::Text("b"),
            Piece::Variable("x:-${y}"),
            Piece::Bare("c${d"),
            Piece::Text("c"),
            Piece::Unclosed("${d"),
        ];
        assert_eq!(found, expected);
        assert_eq!(pieces("plain$").collect::<Vec<_>>(), [Piece::Text("plain"), Piece::Bare("")]);
        assert_eq!(pieces("").next(), None);
    }
}
