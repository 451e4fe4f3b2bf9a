//! Images, sound and video: converters whose parsers are the danger.

use std::net::TcpListener;

use super::{Directory, Network, Shipped};

#[test]
fn ffmpeg_converts_and_follows_no_playlist_out() {
    let Some(shipped) = Shipped::new("ffmpeg", "/usr/bin/ffmpeg") else { return };
    let quiet = ["-nostdin", "-v", "error", "-y"];
    let ffmpeg = |arguments: &[&str]| shipped.run(&[&quiet[..], arguments].concat());
    ffmpeg(&["-f", "lavfi", "-i", "testsrc=d=1:s=128x96", "-f", "lavfi", "-i", "sine=d=1", "a.mp4"]).succeeds();
    ffmpeg(&["-i", "a.mp4", "-frames:v", "1", "a.png"]).succeeds();
    shipped.begins("a.png", b"\x89PNG");
    ffmpeg(&["-i", "a.mp4", "a.webm"]).succeeds();
    shipped.begins("a.webm", b"\x1aE\xdf\xa3");
    // The playlist that made servers give away their files: a list of files and addresses.
    let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
    listener.set_nonblocking(true).expect("its own");
    let port = listener.local_addr().expect("bound above").port();
    shipped.file("b.txt", &format!("ffconcat version 1.0\nfile {}\n", shipped.secret.0.display()));
    ffmpeg(&["-f", "concat", "-safe", "0", "-i", "b.txt", "b.mp4"]).says(&["No such file or directory"]);
    let address = format!("http://127.0.0.1:{port}/");
    ffmpeg(&["-i", &address, "c.mp4"]).says(&["Operation not permitted"]);
    assert!(listener.accept().is_err(), "nobody came");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn imagemagick_converts_and_reads_no_other_file() {
    let Some(shipped) = Shipped::new("imagemagick", "/usr/bin/convert") else { return };
    let draw =
        ["convert", "-size", "200x50", "xc:white", "-font", "DejaVu-Sans", "-draw", "text 10,30 'Hello'", "a.png"];
    shipped.run(&draw).succeeds();
    shipped.run(&["convert", "a.png", "-resize", "50%", "a.jpg"]).succeeds();
    let seen = shipped.run(&["identify", "-format", "%m %wx%h\n", "a.png", "a.jpg"]).succeeds();
    seen.prints("PNG 200x50\nJPEG 100x25\n");
    // CVE-2016-3714 and its kin made it read files that an image names.
    let png = shipped.secret.0.with_extension("png");
    std::fs::copy(shipped.work().join("a.png"), &png).expect("putting an image beside the secret");
    let seen = shipped.run(&["convert", &png.display().to_string(), "b.png"]);
    std::fs::remove_file(&png).expect("tidying up");
    seen.exits(1).says(&["No such file"]);
    shipped.run(&["convert", &format!("text:{}", shipped.secret.0.display()), "c.png"]).exits(1);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn exiftool_edits_what_an_image_says() {
    let Some(shipped) = Shipped::new("exiftool", "/usr/bin/exiftool") else { return };
    image(&shipped, "a.jpg");
    shipped.run(&["-q", "-overwrite_original", "-Comment=from inside", "a.jpg"]).exits(0);
    shipped.run(&["-s3", "-Comment", "a.jpg"]).exits(0).prints("from inside\n");
    let argument = format!("-Comment<={}", shipped.secret.0.display());
    shipped.run(&["-q", "-overwrite_original", &argument, "a.jpg"]).says(&["Error opening file"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn tesseract_reads_an_image() {
    let Some(shipped) = Shipped::new("tesseract", "/usr/bin/tesseract") else { return };
    image(&shipped, "a.png");
    shipped.run(&["a.png", "a"]).exits(0);
    assert_eq!(shipped.text("a.txt").trim(), "Hello");
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&[&secret, "b"]).exits(1);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn sox_makes_a_sound() {
    let Some(shipped) = Shipped::new("sox", "/usr/bin/sox") else { return };
    shipped.run(&["-n", "-r", "8000", "a.wav", "synth", "1", "sine", "440"]).succeeds();
    shipped.begins("a.wav", b"RIFF");
    shipped.run(&["a.wav", "b.au", "reverse"]).succeeds();
    shipped.begins("b.au", b".snd");
    // Its input may be a command; that has no more than sox itself.
    let command = format!("|cat {} > leaked", shipped.secret.0.display());
    shipped.run(&["-t", "wav", &command, "c.wav"]).exits(2);
    assert_eq!(shipped.text("leaked"), "");
    shipped.reaches(Directory::Write, Network::None);
}

fn image(shipped: &Shipped, name: &str) {
    let draw =
        ["-size", "200x50", "xc:white", "-font", "DejaVu-Sans", "-pointsize", "24", "-draw", "text 10,30 'Hello'"];
    let made = std::process::Command::new("/usr/bin/convert").args(draw).arg(shipped.work().join(name)).status();
    assert!(made.expect("starting convert (hint: apt-get install imagemagick)").success());
}
