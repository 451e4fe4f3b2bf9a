//! What only reads, and answers on standard output.

use super::{Directory, Network, Shipped};

#[test]
fn jq_reads_its_directory_and_standard_input() {
    let Some(shipped) = Shipped::new("jq", "/usr/bin/jq") else { return };
    shipped.file("a.json", r#"{"a": [1, 2, 3]}"#);
    shipped.run(&["-c", ".a | map(. * 2)", "a.json"]).exits(0).prints("[2,4,6]\n");
    let mut running = shipped.start(&["-r", ".name"]);
    running.send(r#"{"name": "piped"}"#);
    running.ends().exits(0).prints("piped\n");
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&["-R", ".", &secret]).exits(2).prints("").says(&["No such file"]);
    shipped.reaches(Directory::Read, Network::None);
}

#[test]
fn ripgrep_searches_its_directory() {
    let Some(shipped) = Shipped::new("ripgrep", "/usr/bin/rg") else { return };
    shipped.file("one/a.txt", "a needle here\n");
    shipped.file("two/b.txt", "hay\n");
    shipped.run(&["needle", "."]).exits(0).prints("./one/a.txt:a needle here\n");
    // A preprocessor is a program of whoever wrote the command line; it can start, and change nothing.
    let pre = shipped.file("two/pre", "#!/bin/sh\ntouch made; echo needle\n");
    shipped.run(&["--pre", &pre.display().to_string(), "needle", "."]).exits(2);
    assert!(!shipped.work().join("made").exists());
    shipped.reaches(Directory::Read, Network::None);
}

#[test]
fn shellcheck_reads_scripts() {
    let Some(shipped) = Shipped::new("shellcheck", "/usr/bin/shellcheck") else { return };
    shipped.file("a.sh", "#!/bin/sh\n. ./lib.sh\necho $1\n");
    shipped.file("lib.sh", "name=x\n");
    let seen = shipped.run(&["-x", "-f", "gcc", "a.sh"]).exits(1);
    assert!(seen.stdout.contains("SC2086") && !seen.stdout.contains("SC1091"), "it follows the library\n{seen}");
    // A script that sources a secret makes a checker read it.
    shipped.file("b.sh", &format!("#!/bin/sh\n. {}\n", shipped.secret.0.display()));
    let seen = shipped.run(&["-x", "-f", "gcc", "b.sh"]).exits(1);
    assert!(seen.stdout.contains("does not exist"), "{seen}");
    shipped.reaches(Directory::Read, Network::None);
}

#[test]
fn gpgv_checks_a_signature() {
    let Some(shipped) = Shipped::new("gpgv", "/usr/bin/gpgv") else { return };
    let own = shipped.sandbox.dir().join("gnupg");
    std::fs::create_dir(&own).expect("making a directory");
    let gpg = |arguments: &[&str]| {
        let mut command = std::process::Command::new("/usr/bin/gpg");
        command.args(["--batch", "-q", "--pinentry-mode", "loopback", "--passphrase", ""]);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("GNUPGHOME", &own).current_dir(shipped.work());
        let output = command.args(arguments).output().expect("starting gpg (hint: apt-get install gnupg)");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    shipped.file("text", "signed\n");
    gpg(&["--quick-generate-key", "tester", "ed25519", "sign", "never"]);
    gpg(&["--output", "keys.gpg", "--export"]);
    gpg(&["--output", "text.sig", "--detach-sign", "text"]);
    let _ = std::process::Command::new("/usr/bin/gpgconf").args(["--kill", "all"]).env("GNUPGHOME", &own).status();
    let check = ["--keyring", "./keys.gpg", "text.sig", "text"];
    shipped.run(&check).exits(0).says(&["Good signature"]);
    shipped.file("text", "forged\n");
    shipped.run(&check).exits(1).says(&["BAD signature"]);
    shipped.reaches(Directory::Read, Network::None);
}

#[test]
fn unknown_runs_a_binary_that_keeps_nothing() {
    let Some(shipped) = Shipped::new("unknown", "/usr/bin/cc") else { return };
    let source = r#"
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	printf("own file %d\n", access("thing.c", R_OK) == 0);
	printf("secret %d\n", open(argv[1], O_RDONLY) >= 0);
	printf("beside it %d\n", open("made", O_CREAT | O_WRONLY, 0600) >= 0);
	printf("home %d\n", chdir(argv[2]) == 0 && open("made", O_CREAT | O_WRONLY, 0600) >= 0);
	printf("socket %d\n", socket(AF_INET, SOCK_STREAM, 0) >= 0);
	int children = 0;
	while (children < 1000) {
		int child = fork();
		if (child == 0)
			pause();
		if (child < 0)
			break;
		children++;
	}
	printf("fork bomb %d\n", children >= 64);
	return 0;
}
"#;
    let path = shipped.file("thing.c", source);
    let made = std::process::Command::new("cc").arg("-o").args([path.with_extension(""), path]).status();
    assert!(made.expect("starting cc").success());
    let home = crate::harness::home().display().to_string();
    let secret = shipped.secret.0.display().to_string();
    let seen = shipped.run(&["./thing", &secret, &home]).exits(0);
    seen.prints("own file 1\nsecret 0\nbeside it 0\nhome 1\nsocket 0\nfork bomb 0\n");
    assert!(!shipped.work().join("made").exists() && !crate::harness::home().join("made").exists());
    shipped.reaches(Directory::Read, Network::None);
}
