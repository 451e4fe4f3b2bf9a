//! Interpreters: a script adds up the numbers of a file beside it and writes the sum there; it also tries to read a
//! secret and to connect to a listener of the host, and says so if it can.

use std::net::TcpListener;

use super::{Directory, Network, Shipped};

#[track_caller]
fn adds_up(profile: &'static str, program: &str, file: &str, script: &str) {
    let Some(shipped) = Shipped::new(profile, program) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
    let port = listener.local_addr().expect("bound above").port().to_string();
    shipped.file("numbers", "3\n4\n");
    shipped.file(file, script);
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&[file, &secret, &port]).exits(0).prints("sum 7\n");
    assert_eq!(shipped.text("sum").trim(), "7");
    // The same script outside: what it says there shows that it tries.
    let seen = std::process::Command::new(program)
        .args([file, &secret, &port])
        .current_dir(shipped.work())
        .output()
        .expect("starting it outside");
    let seen = String::from_utf8_lossy(&seen.stdout);
    assert!(seen.contains("sum 7\n") && seen.contains("read the secret\n"), "{seen}");
    assert_eq!(seen.contains("connected\n"), profile != "lua", "{seen}");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn bash_adds_up() {
    let script = r#"
s=0
while read -r n; do s=$((s + n)); done < numbers
echo $s > sum
echo "sum $s"
{ : < "$1"; } 2>/dev/null && echo "read the secret"
{ : <> "/dev/tcp/127.0.0.1/$2"; } 2>/dev/null && echo "connected"
true
"#;
    adds_up("bash", "/usr/bin/bash", "add.sh", script);
}

#[test]
fn node_adds_up() {
    let script = r#"
const fs = require("fs"), net = require("net"), { Worker } = require("worker_threads");
const sum = fs.readFileSync("numbers", "utf8").split("\n").reduce((sum, n) => sum + Number(n), 0);
new Worker(`require("fs").writeFileSync("sum", "${sum}")`, { eval: true }).on("exit", () => {
  console.log(`sum ${sum}`);
  try { fs.readFileSync(process.argv[2]); console.log("read the secret"); } catch {}
  const socket = net.connect(Number(process.argv[3]), "127.0.0.1");
  socket.on("error", () => {}).on("connect", () => { console.log("connected"); socket.destroy(); });
});
"#;
    adds_up("node", "/usr/bin/node", "add.js", script);
}

#[test]
fn perl_adds_up() {
    let script = r#"
use strict; use warnings; use IO::Socket::INET;
open my $in, "<", "numbers" or die; my $sum = 0; $sum += $_ while <$in>;
open my $out, ">", "sum" or die; print $out $sum; close $out;
print "sum $sum\n";
print "read the secret\n" if open my $secret, "<", $ARGV[0];
print "connected\n" if IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[1], Timeout => 2);
"#;
    adds_up("perl", "/usr/bin/perl", "add.pl", script);
}

#[test]
fn ruby_adds_up() {
    let script = r#"
require "socket"
sum = File.readlines("numbers").sum(&:to_i)
Thread.new { File.write("sum", sum) }.join
puts "sum #{sum}"
begin File.read(ARGV[0]); puts "read the secret"; rescue SystemCallError; end
begin TCPSocket.new("127.0.0.1", ARGV[1].to_i); puts "connected"; rescue SystemCallError; end
"#;
    adds_up("ruby", "/usr/bin/ruby", "add.rb", script);
}

#[test]
fn lua_adds_up() {
    let script = r#"
local sum = 0
for line in io.lines("numbers") do sum = sum + tonumber(line) end
local out = assert(io.open("sum", "w")); out:write(sum); out:close()
print("sum " .. sum)
if io.open(arg[1]) then print("read the secret") end
"#;
    adds_up("lua", "/usr/bin/lua5.4", "add.lua", script);
}

#[test]
fn php_adds_up() {
    let script = r#"<?php
$sum = array_sum(file("numbers"));
file_put_contents("sum", $sum);
echo "sum $sum\n";
if (@file_get_contents($argv[1])) echo "read the secret\n";
if (@fsockopen("127.0.0.1", $argv[2])) echo "connected\n";
"#;
    adds_up("php", "/usr/bin/php", "add.php", script);
}
