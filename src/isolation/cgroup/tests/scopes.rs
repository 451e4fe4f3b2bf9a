//! When systemd is asked for a scope, and through which socket.

use super::*;

/// Who made the namespace has left its top to us, whatever systemd runs outside; nobody is asked for a scope.
#[test]
fn at_the_top_of_a_cgroup_namespace_no_systemd_is_asked() {
    let top = "/sys/fs/cgroup";
    let machine = Machine::of(0)
        .systemd()
        .node("/run/systemd/private", Node::Other)
        .node("/proc/self/ns/cgroup", Node::Symlink { to: "cgroup:[4026532001]".into() })
        .text("/proc/self/cgroup", "0::/\n")
        .text("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 none rw\n")
        .v2_below(top, "memory pids", "", "77\n")
        .owned(top);
    let (steps, _) = machine.steps(&limits());
    assert_eq!(steps[0], "move the launcher to a leaf of /sys/fs/cgroup");
}

#[test]
fn no_scope_is_asked_for_where_cgroups_are_read_only() {
    let own = "/sys/fs/cgroup/system.slice/x.service";
    let machine = Machine::of(0)
        .systemd()
        .node("/run/systemd/private", Node::Other)
        .text("/proc/self/cgroup", "0::/system.slice/x.service\n")
        .v2_below(own, "memory pids", "", "77\n");
    assert_eq!(machine.plan(&limits()).1[0].1, format!("pids-max: {own} is read-only"));
}

#[test]
fn a_user_asks_its_systemd_for_a_scope_where_nothing_is_delegated() {
    let manager = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
    let machine = |controllers: &str| {
        Machine::of(1000)
            .systemd()
            .text("/proc/self/cgroup", "0::/user.slice/user-1000.slice/session-2.scope\n")
            .text("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n")
            .v2_below("/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope", "memory pids", "", "77\n78\n")
            .v2_below(manager, controllers, controllers, "")
            .owned(manager)
            .node("/run/user/1000/bus", Node::Other)
    };
    let (steps, planned) = machine("memory pids").steps(&limits());
    assert_eq!(
        steps,
        [
            "have the user's systemd make sandbox-<id>.scope around the launcher",
            "move the launcher to a leaf of <scope>",
            "give children of <scope> pids, memory",
            "create <scope>/sandbox-<id>",
            "pids.max = 64",
            "memory.max = 268435456",
        ]
    );
    let mut context = seven();
    assert_eq!(planned.host_before[1].trace(&context), None);
    context.scope = Some("/sys/fs/cgroup/x/sandbox-7.scope".into());
    let traces: Vec<_> = planned.host_before.iter().filter_map(|step| step.trace(&context)).collect();
    let path = |name: &str| Trace::Cgroup { path: format!("/sys/fs/cgroup/x/sandbox-7.scope/{name}").into() };
    assert_eq!(traces, [path("sandbox-7.launcher"), path("sandbox-7")]);

    let (_, said) = machine("pids").plan(&limits());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1, format!("memory-max: the memory controller is not delegated to {manager}"));
    assert!(said[0].2.contains("/etc/systemd/system/user@.service.d/delegate.conf"), "{said:?}");
}

#[test]
fn the_managers_own_socket_is_preferred() {
    let machine = |socket: &str, uid: u32| {
        let machine = Machine::of(uid).systemd().node("/run/dbus/system_bus_socket", Node::Other);
        Host::known(machine.node("/run/user/1000/bus", Node::Other).node(socket, Node::Other).0)
    };
    let manager = scope::Manager::find(&machine("/run/user/1000/systemd/private", 1000)).unwrap();
    assert_eq!((manager.socket, manager.direct), ("/run/user/1000/systemd/private".into(), true));
    let manager = scope::Manager::find(&machine("/run/systemd/private", 0)).unwrap();
    assert_eq!((manager.socket, manager.direct, manager.user), ("/run/systemd/private".into(), true, false));
    let manager = scope::Manager::find(&machine("/nothing", 0)).unwrap();
    assert_eq!((manager.socket, manager.direct), ("/run/dbus/system_bus_socket".into(), false));
    assert_eq!(scope::Manager::find(&Host::known(Machine::of(0).0)), None);
}
