//! Nothing is left: after every end, and after a kill at any moment.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::harness::{Sandbox, alone, is_root};
use crate::oracle::Snapshot;
use crate::random::Random;

#[test]
fn after_every_kind_of_end_nothing_is_left() {
    alone();
    let before = Snapshot::take();
    Sandbox::new().probe("exit 0").exits(0);
    Sandbox::new().probe("daemon + orphan 100000 + exit 3").exits(3);
    Sandbox::new().probe("die 9").exits(137);
    Sandbox::new().run(&["/no/such/program"]).exits(127);
    Sandbox::new().read_only("/no/such/source").probe("say").exits(125);
    Sandbox::new().called_with("enosys move_mount").probe("say").exits(125);
    Sandbox::new().called_with("enosys landlock_restrict_self").probe("say");
    let sandbox = Sandbox::new();
    let mut running = sandbox.start_probe("hang");
    running.line("running").signal(Signal::SIGTERM);
    running.ends().exits(143);
    drop(sandbox);
    before.still_holds();
}

/// Ends that no code of ours sees: what they leave, `gc` removes.
#[test]
fn a_kill_at_any_moment_leaves_nothing_after_gc() {
    alone();
    let sandbox = Sandbox::new();
    sandbox.sandbox(&["gc"]).exits(0);
    let before = Snapshot::take();
    // How long a launch takes here, until the program runs.
    let start = Instant::now();
    for _ in 0..10 {
        sandbox.probe("exit 0").exits(0);
    }
    let launch = start.elapsed() / 10;
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()));
    println!("seed {:#x}", random.0);
    let mut early = 0;
    for _ in 0..300 {
        let running = sandbox.start_probe("daemon + say late + hang");
        let wait = Duration::from_nanos(random.below(launch.as_nanos() as usize * 3 / 2) as u64);
        let until = Instant::now() + wait;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        running.signal(Signal::SIGKILL);
        // Whatever held its output has gone when this returns.
        early += usize::from(running.ends().stdout.is_empty());
    }
    assert!((10..=295).contains(&early), "{early} of 300 were killed before the program ran; all stages should be met");
    sandbox.sandbox(&["gc"]).exits(0);
    drop(sandbox);
    before.still_holds();
}

#[test]
fn ten_at_once_do_not_disturb_one_another() {
    alone();
    let before = Snapshot::take();
    for _ in 0..20 {
        let sandboxes: Vec<Sandbox> = (0..10).map(|_| Sandbox::new()).collect();
        let running: Vec<_> = sandboxes.iter().map(|sandbox| sandbox.start_probe("exit 7")).collect();
        running.into_iter().for_each(|running| drop(running.ends().exits(7)));
        // The same profile, ten times at once.
        let running: Vec<_> = (0..10).map(|_| sandboxes[0].start_probe("exit 7")).collect();
        running.into_iter().for_each(|running| drop(running.ends().exits(7)));
    }
    before.still_holds();
}

#[test]
fn ps_shows_what_runs_and_no_more() {
    let sandbox = Sandbox::new();
    let name = sandbox.name.clone();
    let mut running = sandbox.start_probe("hang");
    running.line("running");
    let seen = sandbox.sandbox(&["ps"]).exits(0);
    assert!(seen.stdout.contains(&name), "{seen}");
    running.signal(Signal::SIGTERM);
    running.ends().exits(143);
    let seen = sandbox.sandbox(&["ps"]).exits(0);
    assert!(!seen.stdout.contains(&name), "{seen}");
}

/// Where no record can be kept nothing is started, and it is said what can be done about it.
#[test]
fn what_keeps_a_record_from_being_kept_is_named_with_a_remedy() {
    let memory = |options: &str| format!("mount -t tmpfs -o mode=700{options} none \"$0\"");
    let read_only = if is_root() { "root's records are in /run/sandbox" } else { "XDG_RUNTIME_DIR" };
    for (script, words) in [
        (memory(",ro"), ["making the state directory", "Read-only file system", read_only]),
        (memory(",size=4k"), ["writing the record", "No space left on device", "sandbox gc"]),
        (memory("") + " && ulimit -f 1", ["writing the record", "File too large", "ulimit -f"]),
        (memory("") + " && mkdir -m 755 \"$0/sandbox\"", ["has mode 0755", "\nhint: ", "chmod 0700 "]),
        (memory("") + " && ln -s x \"$0/sandbox\"", ["is a link", "\nhint: ", "remove it"]),
        (memory(""), [""; 3]),
    ] {
        let sandbox = Sandbox::new();
        let launch = sandbox.command("run", &["/probe", "say", "started"]);
        let above = if is_root() { "/run".into() } else { sandbox.runtime() };
        let mut command = Command::new("unshare");
        if !is_root() {
            command.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        command.args(["--mount", "sh", "-c", &format!("{script} && exec \"$@\"")]).arg(above);
        command.arg(launch.get_program()).args(launch.get_args()).env_clear();
        command.envs(launch.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir("/");
        let output = command.output().expect("starting unshare");
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // The last is the control.
        let expected = if words == [""; 3] { (Some(0), "started\n") } else { (Some(125), "") };
        assert_eq!((output.status.code(), &*said), expected, "{script}: {errors}");
        assert!(words.iter().all(|word| errors.contains(word)), "{script}: {words:?} in {errors}");
    }
}

/// What stands where records do is shown without moving a cursor, and `rm` removes it, whatever it is.
#[test]
fn what_is_no_record_is_said_harmlessly_and_can_be_removed() {
    // Of broken records gc says so to everybody.
    alone();
    let sandbox = Sandbox::new();
    sandbox.probe("say").succeeds();
    let records: std::path::PathBuf = if is_root() { "/run/sandbox".into() } else { sandbox.runtime().join("sandbox") };
    let canary = sandbox.file("outside/record", "text");
    let id = |what: &str| format!("{}-{what}", sandbox.name);
    let at = |what: &str| records.join(id(what));
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("making a FIFO");
    std::fs::create_dir_all(at("directory").join("deep/er")).expect("making a directory");
    let long = std::fs::File::create(at("long")).expect("making a record");
    long.set_len((16 << 20) + 1).expect("making it long");
    std::fs::write(at("\u{1b}[2Jx"), "nonsense\n").expect("writing a record");
    std::fs::write(at("empty\u{1b}[2J"), "").expect("making an empty file");
    std::fs::write(at("mode"), "").expect("making a file");
    std::fs::set_permissions(at("mode"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("closing it");
    let dead = format!("{}-0123abcd", sandbox.name);
    std::fs::write(records.join(&dead), "").expect("beginning a record");
    std::os::unix::fs::symlink(canary.parent().expect("a directory"), at("link")).expect("linking");
    let seen = sandbox.sandbox(&["gc"]);
    let said = seen.stdout.clone() + &seen.stderr;
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert!(seen.stdout.contains(&dead) && !records.join(&dead).exists(), "{said}");
    for what in ["fifo", "directory", "long", "\\u{1b}[2Jx", "empty\\u{1b}[2J", "mode", "link"] {
        let removes = format!("hint: sandbox rm {} removes it", id(what));
        assert!(said.contains(&removes) && said.contains(&format!("{} is broken: ", id(what))), "{removes}\n{said}");
        assert!(sandbox.sandbox(&["ps"]).stdout.contains(&id(what)));
        let seen = sandbox.sandbox(&["rm", &id(what)]).exits(0);
        assert_eq!(seen.stdout, id(what) + "\n");
    }
    let listed = sandbox.sandbox(&["ps"]).exits(0).stdout;
    assert!(!listed.contains(&sandbox.name), "{listed}");
    assert_eq!(std::fs::read_to_string(&canary).expect("the link's target stays"), "text");
}
