//! What a section does as it says, and its author may not have meant.

use super::{Namespaces, Nested};
use crate::isolation::{Findings, Section};

/// `uid` is the program's, inside; `sets_file_capabilities`, whether it keeps setfcap.
pub fn review(section: &Namespaces, uid: u32, sets_file_capabilities: bool, findings: &mut Findings) {
    if !section.ipc {
        let message = "ipc = false: message queues, semaphores and shared memory of System V that the program makes stay \
                       on this machine when it has ended";
        let hint = "leave it out; ipcs(1) lists what is there, ipcrm(1) removes it".to_owned();
        findings.note(Section::Namespaces, message, hint, None);
    }
    // To map root of the namespace above is to write file capabilities that hold there (Linux 5.12).
    if section.nested != Nested::No && uid == 0 && !sets_file_capabilities {
        let message = "nested: a user namespace that the program makes cannot map the program's own uid, which is 0";
        let hint = "run it as another user in [process], or keep = [\"setfcap\"] in [capabilities]";
        findings.warning(Section::Namespaces, message, hint, section.nested_origin.as_ref());
    }
}
