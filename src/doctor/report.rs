//! A doctor's report from another machine, read back.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::{State, remedy_line};
use crate::host::{Facts, Host};
use crate::isolation::{Findings, Section};

/// Far more than a doctor writes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The first kernel with mount_setattr.
const OLDEST: (u32, u32) = (5, 12);

/// What a doctor found elsewhere.
#[derive(Debug)]
pub struct Report {
    pub host: Host,
    features: Vec<Said>,
}

#[derive(Deserialize)]
struct Document {
    facts: Facts,
    #[serde(default)]
    features: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Said {
    name: String,
    state: State,
    #[serde(default)]
    required: bool,
    detail: String,
    remedy: Option<String>,
}

impl Report {
    pub fn read(file: &Path) -> Result<Report> {
        // Opening a FIFO would wait for somebody to write.
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(file)?;
        if !file.metadata()?.is_file() {
            bail!("it is not a regular file: save what `sandbox doctor --json` prints, and name that");
        }
        let mut text = String::new();
        file.take(LARGEST + 1).read_to_string(&mut text)?;
        if text.len() as u64 > LARGEST {
            bail!("it is larger than 16 MiB");
        }
        Report::parse(&text).context("it is not what `sandbox doctor --json` prints")
    }

    fn parse(text: &str) -> Result<Report> {
        let document: Value = serde_json::from_str(text)?;
        // A list would be read as its fields in order, and an empty one as a machine that has nothing.
        if !document["facts"].is_object() {
            bail!("it has no facts");
        }
        let document: Document = serde_json::from_value(document)?;
        let missing = missing(&document.facts);
        if !missing.is_empty() {
            bail!("its facts lack {}, without which nothing can be planned", missing.join(", "));
        }
        Ok(Report { host: Host::known(document.facts), features: document.features })
    }

    /// What planning with these facts cannot tell: what was tried there and refused, and what was never asked.
    pub fn add(&self, profile: &str, findings: &mut Findings) {
        for said in self.features.iter().filter(|said| said.required && said.state == State::No) {
            let message = format!("on that machine, {}: {}", said.name, said.detail);
            let remedy = said.remedy.as_deref().unwrap_or("ask its doctor: sandbox doctor");
            // A report may come from anywhere, and a message is one line.
            findings.error(Section::Doctor, message, remedy_line(remedy), None);
        }
        // Else its doctor has tried them.
        if !self.host.kernel_at_least(OLDEST) && !self.features.iter().any(|said| said.name == "system-calls") {
            let message =
                format!("on that machine, kernel: {} lacks calls that every launch makes", self.host.kernel());
            findings.error(Section::Doctor, message, "boot Linux 6.1 or newer; nothing starts below 5.12", None);
        }
        let unknown = self.host.unknown();
        let (shown, more) = unknown.split_at(unknown.len().min(5));
        if !shown.is_empty() {
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            let message = format!("that machine's facts do not tell of {}{more}: taken as missing", shown.join(", "));
            let hint = format!("ask about them there: sandbox doctor --json {profile}");
            findings.warning(Section::Doctor, message, hint, None);
        }
    }
}

/// What every doctor tells: a machine without a kernel or memory is none, and an absent fact would be read as that.
fn missing(facts: &Facts) -> Vec<&'static str> {
    let told = [
        ("kernel", facts.kernel.as_ref().is_some_and(|kernel| !kernel.is_empty())),
        ("uid", facts.uid.is_some()),
        ("gid", facts.gid.is_some()),
        ("groups", facts.groups.is_some()),
        ("memory", facts.memory.is_some()),
        ("landlock-abi", facts.landlock_abi.is_some()),
        ("max-user-namespaces", facts.max_user_namespaces.is_some()),
        ("env", facts.env.is_some()),
        ("cwd", facts.cwd.is_some()),
    ];
    told.into_iter().filter_map(|(name, told)| (!told).then_some(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Feature, json};

    #[test]
    fn what_is_written_is_read() {
        let feature = Feature::no("proc", "covered").remedy("uncover it").required();
        let facts = Facts { uid: Some(7), ..facts() };
        let report = Report::parse(&json(&Host::known(facts), &[feature]).to_string()).unwrap();
        assert_eq!(report.host.uid(), 7);
        assert!(report.host.text(Path::new("/never/asked")).is_none());
        let mut findings = Findings::default();
        report.add("web.toml", &mut findings);
        let messages: Vec<_> = findings.0.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages[0], "on that machine, proc: covered");
        assert_eq!(messages[1], "that machine's facts do not tell of /never/asked: taken as missing");
        assert_eq!(findings.0[1].hint.as_deref(), Some("ask about them there: sandbox doctor --json web.toml"));
        assert!(findings.refuse());
    }

    #[test]
    fn only_what_the_default_profile_needs_is_an_error() {
        let refused = |kernel: &str, features: &[Feature]| {
            let facts = Facts { kernel: Some(kernel.to_owned()), ..facts() };
            let report = Report::parse(&json(&Host::known(facts), features).to_string()).unwrap();
            let mut findings = Findings::default();
            report.add("web.toml", &mut findings);
            findings.refuse()
        };
        let calls = || Feature::ok("system-calls", "").required();
        assert!(!refused("6.1.0", &[Feature::no("fuse", ""), Feature::limited("proc", "").required()]));
        assert!(refused("6.1.0", &[calls(), Feature::no("launch", "").required()]));
        // A kernel may call itself what it likes: setarch(8).
        assert!(refused("5.10.0", &[]) && !refused("5.10.0", &[calls()]));
    }

    /// A machine in a few words.
    fn facts() -> Facts {
        Facts {
            kernel: Some("6.1.0".to_owned()),
            uid: Some(1000),
            gid: Some(1000),
            groups: Some(Vec::new()),
            memory: Some(1 << 30),
            landlock_abi: Some(2),
            max_user_namespaces: Some(100),
            env: Some([].into()),
            cwd: Some("/".into()),
            ..Facts::default()
        }
    }

    #[test]
    fn a_report_without_a_needed_fact_is_refused_by_its_name() {
        let whole = json(&Host::known(facts()), &[]);
        assert!(Report::parse(&whole.to_string()).is_ok());
        let refused = |facts: &[&str]| {
            let mut report = whole.clone();
            facts.iter().for_each(|fact| drop(report["facts"].as_object_mut().unwrap().remove(*fact)));
            format!("{:#}", Report::parse(&report.to_string()).unwrap_err())
        };
        assert_eq!(refused(&["kernel"]), "its facts lack kernel, without which nothing can be planned");
        assert!(refused(&["memory", "uid", "cwd"]).contains("lack uid, memory, cwd,"));
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let fifo = std::env::temp_dir().join(format!("sandbox-report-{}", std::process::id()));
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let refused = |path: &Path| Report::read(path).unwrap_err().to_string();
        let said = [refused(&fifo), refused(Path::new("/")), refused(Path::new("/dev/null"))];
        std::fs::remove_file(&fifo).unwrap();
        assert!(said.iter().all(|said| said.starts_with("it is not a regular file")), "{said:?}");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"facts\": {\"colour\": 1}}",
            "{\"facts\": {\"uid\": -1}}",
            "{\"facts\": []}",
            "[{}, []]",
            "\u{0}",
        ] {
            assert!(Report::parse(text).is_err(), "{text:?}");
        }
    }
}
