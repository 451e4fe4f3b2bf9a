//! The weight that the scheduler gives the caller's session (autogroup of sched(7)): whoever is in it may change it, the
//! program at a terminal too, and everything else there slows down with it.

use std::time::{Duration, Instant};

use nix::errno::Errno;

const OWN: &str = "/proc/self/autogroup";

/// Others' writes count too: of all who are not root the kernel takes one in a tenth of a second.
const TRIED: Duration = Duration::from_millis(200);

pub struct Autogroup {
    nice: i32,
}

impl Autogroup {
    /// `None` where the kernel has none, or the session is in none.
    pub fn remember() -> Option<Autogroup> {
        nice_of(&std::fs::read_to_string(OWN).ok()?).map(|nice| Autogroup { nice })
    }

    pub fn restore(&self) {
        let until = Instant::now() + TRIED;
        while Autogroup::remember().is_some_and(|now| now.nice != self.nice) {
            let written = std::fs::write(OWN, self.nice.to_string());
            let again = written.is_err_and(|error| error.raw_os_error() == Some(Errno::EAGAIN as i32));
            if !again || Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// `/autogroup-N nice N`
fn nice_of(text: &str) -> Option<i32> {
    text.trim_end().rsplit_once(" nice ")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_without_one_has_no_weight() {
        assert_eq!(nice_of("/autogroup-38444 nice -5\n"), Some(-5));
        assert_eq!(nice_of(""), None);
        assert_eq!(nice_of("/autogroup-1 nice x\n"), None);
    }
}
