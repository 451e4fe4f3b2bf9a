//! Which limits stop the launch where this host cannot set them; docs/decisions/0009-limits-of-bases.md says why a list
//! can name them.

use super::Cgroup;

impl Cgroup {
    /// Every key that is set, and whether it must hold; a list or table must hold if any of it must.
    pub fn required(&self) -> Vec<(&'static str, bool)> {
        let mut keys = Vec::new();
        let mut add = |key, required: Option<bool>| keys.extend(required.map(|required| (key, required)));
        add("memory-max", self.memory_max.as_ref().map(|asked| asked.required));
        add("memory-high", self.memory_high.as_ref().map(|asked| asked.required));
        add("memory-low", self.memory_low.as_ref().map(|asked| asked.required));
        add("memory-swap-max", self.memory_swap_max.as_ref().map(|asked| asked.required));
        add("memory-oom-group", self.memory_oom_group.as_ref().map(|asked| asked.required));
        add("cpu-max", self.cpu_max.as_ref().map(|asked| asked.required));
        add("cpu-weight", self.cpu_weight.as_ref().map(|asked| asked.required));
        add("cpuset-cpus", self.cpuset_cpus.as_ref().map(|asked| asked.required));
        add("cpuset-mems", self.cpuset_mems.as_ref().map(|asked| asked.required));
        add("pids-max", self.pids_max.as_ref().map(|asked| asked.required));
        add("io-max", self.io_max.iter().map(|asked| asked.required).reduce(|a, b| a || b));
        add("io-weight", self.io_weight.as_ref().map(|asked| asked.required));
        add("hugetlb-max", self.hugetlb_max.values().map(|asked| asked.required).reduce(|a, b| a || b));
        add("delegate", self.delegate.as_ref().map(|asked| asked.required));
        keys
    }

    /// Exactly these must hold.
    pub fn require(&mut self, keys: &[&str]) {
        let set = |key: &str, required: Option<&mut bool>| {
            if let Some(required) = required {
                *required = keys.contains(&key);
            }
        };
        set("memory-max", self.memory_max.as_mut().map(|asked| &mut asked.required));
        set("memory-high", self.memory_high.as_mut().map(|asked| &mut asked.required));
        set("memory-low", self.memory_low.as_mut().map(|asked| &mut asked.required));
        set("memory-swap-max", self.memory_swap_max.as_mut().map(|asked| &mut asked.required));
        set("memory-oom-group", self.memory_oom_group.as_mut().map(|asked| &mut asked.required));
        set("cpu-max", self.cpu_max.as_mut().map(|asked| &mut asked.required));
        set("cpu-weight", self.cpu_weight.as_mut().map(|asked| &mut asked.required));
        set("cpuset-cpus", self.cpuset_cpus.as_mut().map(|asked| &mut asked.required));
        set("cpuset-mems", self.cpuset_mems.as_mut().map(|asked| &mut asked.required));
        set("pids-max", self.pids_max.as_mut().map(|asked| &mut asked.required));
        self.io_max.iter_mut().for_each(|asked| set("io-max", Some(&mut asked.required)));
        set("io-weight", self.io_weight.as_mut().map(|asked| &mut asked.required));
        self.hugetlb_max.values_mut().for_each(|asked| set("hugetlb-max", Some(&mut asked.required)));
        set("delegate", self.delegate.as_mut().map(|asked| &mut asked.required));
    }
}
