//! What a launch has left to look at: its exit code and what it printed.

use std::fmt;
use std::process::ExitStatus;

pub struct Seen {
    pub what: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Seen {
    #[track_caller]
    pub fn exits(self, code: i32) -> Seen {
        assert_eq!(self.status.code(), Some(code), "the exit code\n{self}");
        self
    }

    /// It ended well, and the launcher had nothing to say.
    #[track_caller]
    pub fn succeeds(self) -> Seen {
        let seen = self.exits(0);
        assert_eq!(seen.stderr, "", "messages of a launch in which all is well\n{seen}");
        seen
    }

    /// `sandbox` refused: its code, a message of its own (`error: ` where it can show the line of a profile), and each
    /// of these words in it.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Seen {
        let seen = self.exits(code);
        let own = seen.stderr.starts_with("sandbox: ") || seen.stderr.starts_with("error: ");
        assert!(own, "a message of its own\n{seen}");
        seen.says(words)
    }

    /// All of these are in the messages.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Seen {
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in the messages\n{self}");
        }
        self
    }

    #[track_caller]
    pub fn prints(self, text: &str) -> Seen {
        assert_eq!(self.stdout, text, "what it printed\n{self}");
        self
    }

    /// What the probe says came of an attempt.
    #[track_caller]
    pub fn answer(&self, attempt: &str) -> &str {
        let line = self.stdout.lines().find_map(|line| line.strip_prefix(attempt)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no answer to {attempt:?}\n{self}"))
    }

    #[track_caller]
    pub fn answers(&self, attempt: &str, answer: &str) -> &Seen {
        assert_eq!(self.answer(attempt), answer, "the answer to {attempt:?}\n{self}");
        self
    }

    #[track_caller]
    pub fn allows(&self, attempt: &str) -> &Seen {
        self.answers(attempt, "ok")
    }

    /// With one of these answers: a refusal for another reason than the one meant proves nothing.
    #[track_caller]
    pub fn refuses(&self, attempt: &str, errnos: &[&str]) -> &Seen {
        let answer = self.answer(attempt);
        assert!(errnos.contains(&answer), "{attempt:?}: {answer}, not one of {errnos:?}\n{self}");
        self
    }

    /// What follows a word at the start of a line.
    #[track_caller]
    pub fn value(&self, name: &str) -> &str {
        self.values(name).next().unwrap_or_else(|| panic!("no line begins with {name:?}\n{self}"))
    }

    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.to_owned();
        let follows = move |line: &'a str| {
            let rest = line.strip_prefix(name.as_str())?;
            (rest.is_empty() || rest.starts_with([' ', ':', '\t'])).then(|| rest.trim_start_matches(':').trim())
        };
        self.stdout.lines().filter_map(follows)
    }

    #[track_caller]
    pub fn has_value(&self, name: &str, value: &str) -> &Seen {
        assert_eq!(self.value(name), value, "{name}\n{self}");
        self
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { what, status, stdout, stderr } = self;
        write!(f, "--- {what}\n{status}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }
}
