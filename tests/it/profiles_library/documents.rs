//! Converters of documents, archives and data: they write beside what they read, and reach no further.

use std::process::Command;

use super::{Directory, Network, Shipped};

fn outside(shipped: &Shipped, program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).current_dir(shipped.work()).status();
    assert!(status.unwrap_or_else(|error| panic!("{program}: {error}")).success(), "{program} {arguments:?}");
}

#[test]
fn sqlite3_keeps_a_database_and_reaches_no_other_file() {
    let Some(shipped) = Shipped::new("sqlite3", "/usr/bin/sqlite3") else { return };
    let script = "pragma journal_mode=wal; create table t(x); insert into t values (3), (4); select sum(x) from t;";
    shipped.run(&["a.db", script]).exits(0).prints("wal\n7\n");
    shipped.begins("a.db", b"SQLite format 3");
    let secret = shipped.secret.0.display();
    let seen = shipped.run(&["a.db", &format!("select readfile('{secret}') is null;")]).exits(0);
    seen.prints("1\n");
    shipped.run(&["a.db", &format!(".shell cat {secret}")]).says(&["No such file"]);
    // What it makes there is in the empty home.
    shipped.run(&["a.db", &format!("attach '{secret}' as s; create table s.t(x);")]).exits(0);
    assert_eq!(std::fs::read_to_string(&shipped.secret.0).expect("still there"), "hush\n");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn pandoc_converts_and_includes_nothing_from_elsewhere() {
    let Some(shipped) = Shipped::new("pandoc", "/usr/bin/pandoc") else { return };
    shipped.file("a.md", "# Title\n\nSome *words*.\n");
    shipped.run(&["a.md", "-t", "html"]).exits(0).prints("<h1 id=\"title\">Title</h1>\n<p>Some <em>words</em>.</p>\n");
    shipped.run(&["a.md", "-o", "a.docx"]).succeeds();
    shipped.begins("a.docx", b"PK");
    // reStructuredText can name any file to be included.
    shipped.file("b.rst", &format!(".. include:: {}\n", shipped.secret.0.display()));
    let seen = shipped.run(&["b.rst", "-t", "plain"]);
    assert!(!seen.stdout.contains("hush"), "{seen}");
    outside(&shipped, "/usr/bin/pandoc", &["b.rst", "-t", "plain", "-o", "leaked"]);
    assert!(shipped.text("leaked").contains("hush"), "pandoc no longer includes files: the check above proves nothing");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn ghostscript_renders_a_program_that_reads_nothing_else() {
    let Some(shipped) = Shipped::new("ghostscript", "/usr/bin/gs") else { return };
    shipped.file("a.ps", "%!\n/Helvetica findfont 20 scalefont setfont 50 50 moveto (hello) show showpage\n");
    shipped.run(&["-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-o", "a.pdf", "a.ps"]).succeeds();
    shipped.begins("a.pdf", b"%PDF-");
    // Even without gs's own safer mode.
    let secret = shipped.secret.0.display();
    shipped.file("b.ps", &format!("%!\n({secret}) (r) file 100 string readstring pop == flush\n"));
    let seen = shipped.run(&["-q", "-dNOSAFER", "-dBATCH", "-dNODISPLAY", "b.ps"]).exits(1);
    assert!(!seen.stdout.contains("hush") && seen.stdout.contains("undefinedfilename"), "{seen}");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn poppler_reads_a_pdf() {
    let Some(shipped) = Shipped::new("poppler", "/usr/bin/pdftotext") else { return };
    shipped.file("a.ps", "%!\n/Helvetica findfont 20 scalefont setfont 50 50 moveto (hello) show showpage\n");
    outside(&shipped, "/usr/bin/gs", &["-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", "-o", "a.pdf", "a.ps"]);
    let seen = shipped.run(&["pdftotext", "a.pdf", "-"]).exits(0);
    assert_eq!(seen.stdout.trim(), "hello");
    shipped.run(&["pdftoppm", "-png", "-r", "30", "a.pdf", "page"]).succeeds();
    shipped.begins("page-1.png", b"\x89PNG");
    let secret = shipped.secret.0.display().to_string();
    shipped.run(&["pdfattach", "a.pdf", &secret, "b.pdf"]).says(&["Couldn't open"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn graphviz_draws_and_loads_no_image_from_elsewhere() {
    let Some(shipped) = Shipped::new("graphviz", "/usr/bin/dot") else { return };
    shipped.file("a.dot", "graph { a -- b }\n");
    shipped.run(&["-Tsvg", "a.dot", "-o", "a.svg"]).succeeds();
    assert!(shipped.text("a.svg").contains("<title>a&#45;&#45;b</title>"));
    shipped.run(&["-Tpng", "a.dot", "-o", "a.png"]).succeeds();
    shipped.begins("a.png", b"\x89PNG");
    shipped.file("b.dot", &format!("graph {{ a [image=\"{}\"] }}\n", shipped.secret.0.display()));
    shipped.run(&["-Tsvg", "b.dot"]).says(&["No such file or directory"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn gnuplot_draws_and_its_commands_have_no_more() {
    let Some(shipped) = Shipped::new("gnuplot", "/usr/bin/gnuplot") else { return };
    shipped.file("data", "1 1\n2 4\n3 9\n");
    shipped.run(&["-e", "set term pngcairo; set output 'a.png'; plot 'data' with lines"]).exits(0);
    shipped.begins("a.png", b"\x89PNG");
    let script = format!("print system('cat {} || echo no')", shipped.secret.0.display());
    let seen = shipped.run(&["-e", &script]).exits(0);
    assert!(seen.stderr.contains("No such file") && seen.stderr.ends_with("no\n"), "{seen}");
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn qemu_img_finds_no_backing_file_elsewhere() {
    let Some(shipped) = Shipped::new("qemu-img", "/usr/bin/qemu-img") else { return };
    shipped.run(&["create", "-q", "-f", "qcow2", "a.qcow2", "16M"]).succeeds();
    shipped.run(&["convert", "-O", "raw", "a.qcow2", "a.raw"]).succeeds();
    assert_eq!(std::fs::metadata(shipped.work().join("a.raw")).expect("made above").len(), 16 << 20);
    // CVE-2024-4467 and before: an image whose header names a file of the host.
    let secret = shipped.secret.0.display().to_string();
    outside(&shipped, "/usr/bin/qemu-img", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b", &secret, "b.qcow2"]);
    outside(&shipped, "/usr/bin/qemu-img", &["convert", "-O", "raw", "b.qcow2", "leaked"]);
    assert!(shipped.text("leaked").starts_with("hush"), "outside it reads the backing file");
    shipped.run(&["convert", "-O", "raw", "b.qcow2", "b.raw"]).exits(1).says(&["Could not open backing file"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn unpack_leads_nowhere_else() {
    let Some(shipped) = Shipped::new("unpack", "/usr/bin/tar") else { return };
    shipped.file("a", "a\n");
    for (archive, pack, list) in [
        ("a.tar.gz", vec!["tar", "czf", "a.tar.gz", "a"], vec!["tar", "xzOf", "a.tar.gz"]),
        ("a.tar.xz", vec!["tar", "cJf", "a.tar.xz", "a"], vec!["tar", "xJOf", "a.tar.xz"]),
        ("a.tar.zst", vec!["tar", "--zstd", "-cf", "a.tar.zst", "a"], vec!["tar", "--zstd", "-xOf", "a.tar.zst"]),
        ("a.zip", vec!["zip", "-q", "a.zip", "a"], vec!["unzip", "-p", "a.zip"]),
        ("a.7z", vec!["7z", "a", "-bso0", "-bsp0", "a.7z", "a"], vec!["7z", "x", "-so", "a.7z"]),
    ] {
        shipped.run(&pack).exits(0);
        shipped.run(&list).exits(0).prints("a\n");
        assert!(shipped.work().join(archive).exists());
    }
    // Absolute names, kept as they are by -P, and a program that is unpacked.
    let target = shipped.sandbox.file("elsewhere/overwritten", "before\n");
    let name = target.display().to_string();
    outside(&shipped, "/usr/bin/tar", &["cPf", "b.tar", &name]);
    std::fs::write(&target, "after\n").expect("writing");
    shipped.run(&["tar", "xPf", "b.tar"]).exits(0);
    assert_eq!(std::fs::read_to_string(&target).expect("there"), "after\n", "what tar wrote there was memory");
    std::fs::copy("/bin/true", shipped.work().join("program")).expect("copying a program");
    shipped.run(&["./program"]).refused(126, &["program"]);
    shipped.reaches(Directory::Write, Network::None);
}

#[test]
fn vim_edits_and_its_shell_has_no_more() {
    let Some(shipped) = Shipped::new("vim", "/usr/bin/vi") else { return };
    shipped.file("a.txt", "one\n");
    shipped.run(&["-es", "-c", "%s/one/two/", "-c", "wq", "a.txt"]).exits(0);
    assert_eq!(shipped.text("a.txt"), "two\n");
    let secret = shipped.secret.0.display();
    shipped.run(&["-es", "-c", &format!("!cat {secret} > leaked; touch {secret}"), "-c", "q!", "a.txt"]);
    assert_eq!(shipped.text("leaked"), "");
    shipped.run(&["-es", "-c", &format!("w! {secret}"), "-c", "q!", "a.txt"]);
    assert_eq!(std::fs::read_to_string(&shipped.secret.0).expect("still there"), "hush\n");
    shipped.reaches(Directory::Write, Network::None);
}
