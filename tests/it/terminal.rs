//! TTY: nothing that is put into a terminal from inside is taken for the person's own typing.

use std::time::Duration;

use crate::harness::{Sandbox, Terminal, outside, skip};

const REQUESTS: [&str; 7] = ["tiocsti", "tioclinux", "tiocsetd", "tioccons", "kdsetmode", "kdskbmode", "vt-setmode"];

/// The probe at a terminal, inside: what is typed for it and what the terminal shows until the prompt is back.
fn at_a_terminal(sandbox: &Sandbox, words: &str) -> String {
    let arguments: Vec<&str> = std::iter::once("/probe").chain(words.split(' ')).collect();
    let command = sandbox.command("run", &arguments);
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    let line: Vec<String> =
        std::iter::once(command.get_program().to_string_lossy().into_owned()).chain(words).collect();
    let mut terminal = Terminal::sit_down();
    terminal.types(&format!(
        "XDG_RUNTIME_DIR={} {}; echo over=$((1+1))\n",
        sandbox.runtime().display(),
        line.join(" ")
    ));
    terminal.shows("over=2");
    terminal.all() + &terminal.listens(Duration::from_millis(200))
}

#[test]
fn requests_that_put_something_into_a_terminal_are_refused() {
    let words: Vec<String> = REQUESTS
        .iter()
        .flat_map(|request| ["", " 1", " 0x80000000", " 0xffffffff"].map(|high| format!("ioctl {request}{high}")))
        .collect();
    let shown = at_a_terminal(&Sandbox::new(), &words.join(" + "));
    for words in &words {
        // The filter's answer; a terminal itself would say ok, EINVAL, EIO or ENOTTY to some of them.
        assert!(shown.contains(&format!("{words}: EPERM")), "{words}\n{shown}");
    }
    // An ordinary request is answered.
    let shown = at_a_terminal(&Sandbox::new(), "ioctl tiocgwinsz");
    assert!(shown.contains("ioctl tiocgwinsz: ok"), "{shown}");
}

#[test]
fn what_is_refused_is_what_the_filter_refuses() {
    let sandbox = Sandbox::new().with("seccomp", r#"preset = "none""#);
    let console = ["kdsetmode", "kdskbmode", "vt-setmode"];
    let asked = console.map(|request| format!("ioctl {request} + ")).concat();
    let shown = at_a_terminal(&sandbox, &format!("{asked}ioctl tiocsetd + ioctl tioclinux + ioctl tiocsti"));
    for request in console {
        assert!(shown.contains(&format!("ioctl {request}: ENOTTY")), "a console's, which a pty is not\n{shown}");
    }
    // The kernel's own answers: the discipline can be set, and the selection is a console's, which a pty is not.
    assert!(shown.contains("ioctl tiocsetd: ok"), "{shown}");
    assert!(shown.contains("ioctl tioclinux: ENOTTY"), "{shown}");
    // Before Linux 6.2 nothing switches it off.
    let allowed = std::fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti").map_or(true, |text| text.trim() == "1");
    if !allowed {
        return skip("this kernel refuses TIOCSTI by itself (dev.tty.legacy_tiocsti = 0)");
    }
    // The control: with the filter off the kernel takes it, from a program with the terminal as its own.
    assert!(shown.contains("ioctl tiocsti#: ok"), "the character was typed, and echoed\n{shown}");
}

#[test]
fn outside_of_a_terminal_the_answer_is_the_kernels() {
    outside("ioctl tiocsti").answers("ioctl tiocsti", "ENOTTY");
    Sandbox::new().probe("ioctl tiocsti + ioctl tiocsti 1").succeeds().answers("ioctl tiocsti", "EPERM");
}
