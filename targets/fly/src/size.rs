//! Sizes of machines: the smallest preset that holds what a service may use.
//!
//! Given: memory and processors. Gives: a preset and its memory in steps that Fly.io takes, or why there is none.
//! Deliberately absent: prices, and presets with graphics cards.

use dashdeploy_contract::Resources;

/// A preset and the memory it can have (fly.io/docs/machines/guides-examples/machine-sizing: 256 MB to 2 GB for each shared
/// processor, 2 GB to 8 GB for each one of one's own).
#[derive(Debug, PartialEq, Eq)]
struct Preset {
    name: &'static str,
    cpus: u32,
    shared: bool,
}

const PRESETS: [Preset; 9] = [
    Preset { name: "shared-cpu-1x", cpus: 1, shared: true },
    Preset { name: "shared-cpu-2x", cpus: 2, shared: true },
    Preset { name: "shared-cpu-4x", cpus: 4, shared: true },
    Preset { name: "shared-cpu-8x", cpus: 8, shared: true },
    Preset { name: "performance-1x", cpus: 1, shared: false },
    Preset { name: "performance-2x", cpus: 2, shared: false },
    Preset { name: "performance-4x", cpus: 4, shared: false },
    Preset { name: "performance-8x", cpus: 8, shared: false },
    Preset { name: "performance-16x", cpus: 16, shared: false },
];

const MIB: u64 = 1 << 20;

impl Preset {
    /// The least memory in MiB, which is also the step.
    fn step(&self) -> u64 {
        if self.shared { 256 } else { 2048 }
    }

    fn least(&self) -> u64 {
        self.step() * u64::from(self.cpus)
    }

    fn most(&self) -> u64 {
        let each = if self.shared { 2048 } else { 8192 };
        each * u64::from(self.cpus)
    }

    /// The memory given for what is wanted, both in MiB; none where that is more than it can have.
    fn memory(&self, wanted: u64) -> Option<u64> {
        let rounded = wanted.div_ceil(self.step()) * self.step();
        (rounded <= self.most()).then(|| rounded.max(self.least()))
    }

    fn size(&self, memory: u64) -> Size {
        Size { name: self.name, cpus: self.cpus, shared: self.shared, memory }
    }
}

/// A machine's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// The preset.
    pub name: &'static str,
    /// Its processors.
    pub cpus: u32,
    /// True where processors are shared with other users: each has a sixteenth of one for good, and more for a while.
    pub shared: bool,
    /// Its memory in MiB.
    pub memory: u64,
}

impl Size {
    /// True where it has just what was wanted, as far as that can be said of memory and whole processors.
    pub fn is_just(&self, wanted: Resources) -> bool {
        self.memory * MIB == wanted.memory && self.cpus * 1000 == wanted.cpu_millis
    }
}

/// The size for what a service may use: `chosen`, or the smallest that holds it.
///
/// # Errors
/// What keeps it from having one, as half a sentence.
pub(crate) fn of(wanted: Resources, chosen: Option<&str>) -> Result<Size, String> {
    let memory = wanted.memory.div_ceil(MIB);
    if let Some(preset) = chosen.and_then(|name| PRESETS.iter().find(|preset| preset.name == name)) {
        let found = preset.memory(memory).map(|given| preset.size(given));
        return found.ok_or_else(|| {
            format!("{} has at most {} MB of memory, not {memory}", preset.name, preset.most())
        });
    }
    let holds = |preset: &&Preset| preset.cpus * 1000 >= wanted.cpu_millis && preset.most() >= memory;
    let found = PRESETS.iter().find(holds).and_then(|preset| Some(preset.size(preset.memory(memory)?)));
    found.ok_or_else(|| "the largest machine has 16 processors and 131072 MB of memory".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(mib: u64, cpu_millis: u32) -> Resources {
        Resources { memory: mib * MIB, cpu_millis }
    }

    #[test]
    fn the_smallest_that_holds_it_is_taken() {
        for (mib, millis, name, memory) in [
            (512, 1000, "shared-cpu-1x", 512),
            (128, 500, "shared-cpu-1x", 256),
            (300, 250, "shared-cpu-1x", 512),
            (2049, 1000, "shared-cpu-2x", 2304),
            (512, 4000, "shared-cpu-4x", 1024),
            (2048, 3000, "shared-cpu-4x", 2048),
            (16385, 1000, "performance-4x", 18432),
            (1024, 9000, "performance-16x", 32768),
        ] {
            let size = of(wanted(mib, millis), None).unwrap();
            assert_eq!((size.name, size.memory), (name, memory), "{mib} {millis}");
        }
        assert!(of(wanted(512, 17_000), None).is_err());
        assert!(of(wanted(131_073, 1000), None).is_err());
        assert!(of(wanted(131_072, 16_000), None).unwrap().is_just(wanted(131_072, 16_000)));
    }

    #[test]
    fn a_chosen_one_is_kept_or_refused() {
        let size = of(wanted(512, 1000), Some("performance-2x")).unwrap();
        assert_eq!((size.name, size.memory, size.shared), ("performance-2x", 4096, false));
        assert_eq!(
            of(wanted(4096, 1000), Some("shared-cpu-1x")).unwrap_err(),
            "shared-cpu-1x has at most 2048 MB of memory, not 4096"
        );
    }
}
