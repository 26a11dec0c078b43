//! The sizes that Fargate sells.
//!
//! Source: Amazon ECS Developer Guide, "Task definition differences for Fargate", task CPU and memory
//! (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>).

use dashdeploy_contract::Resources;

/// The page that says so.
pub(crate) const PAGE: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html";

/// Processor units, and the least, the most and the step of memory in MiB that go with them.
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];

/// A task's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// 1024 are one processor.
    pub(crate) cpu: u32,
    /// MiB.
    pub(crate) memory: u32,
}

impl Size {
    /// The smallest size that holds what is wanted; none where Fargate sells none so large.
    pub(crate) fn of(wanted: Resources) -> Option<Self> {
        let cpu = u32::try_from((u64::from(wanted.cpu_millis) * 1_024).div_ceil(1_000)).ok()?;
        let memory = u32::try_from(wanted.memory.div_ceil(1 << 20)).ok()?;
        SIZES.iter().find(|(units, _, most, _)| *units >= cpu && *most >= memory).map(
            |(units, least, _, step)| {
                // 0.25 processors come with 0.5, 1 or 2 GB, and with nothing between.
                let rounded = memory.max(*least).next_multiple_of(*step);
                let rounded = if *units == 256 && rounded > 1_024 { 2_048 } else { rounded };
                Self { cpu: *units, memory: rounded }
            },
        )
    }

    /// True where it is what is wanted and not more.
    pub(crate) fn is(self, wanted: Resources) -> bool {
        u64::from(self.memory) << 20 == wanted.memory
            && u64::from(self.cpu) * 1_000 == u64::from(wanted.cpu_millis) * 1_024
    }

    /// In words: `0.25 vCPU and 512 MB`.
    pub(crate) fn words(self) -> String {
        let cpu = f64::from(self.cpu) / 1_024.0;
        if self.memory.is_multiple_of(1_024) {
            format!("{cpu} vCPU and {} GB", self.memory / 1_024)
        } else {
            format!("{cpu} vCPU and {} MB", self.memory)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(cpu_millis: u32, mib: u64) -> Option<(u32, u32)> {
        Size::of(Resources { memory: mib << 20, cpu_millis }).map(|size| (size.cpu, size.memory))
    }

    #[test]
    fn what_is_wanted_is_rounded_up_to_what_is_sold() {
        assert_eq!(size(250, 512), Some((256, 512)));
        assert_eq!(size(1, 6), Some((256, 512)));
        assert_eq!(size(250, 1_025), Some((256, 2_048)));
        assert_eq!(size(251, 512), Some((512, 1_024)));
        assert_eq!(size(1_000, 512), Some((1_024, 2_048)));
        assert_eq!(size(250, 2_049), Some((512, 3_072)));
        assert_eq!(size(4_000, 40_000), Some((8_192, 40_960)));
        assert_eq!(size(16_000, 122_880), Some((16_384, 122_880)));
        assert_eq!(size(16_001, 512), None);
        assert_eq!(size(250, 122_881), None);
    }

    #[test]
    fn only_an_exact_size_counts_as_one() {
        let wanted = Resources { memory: 512 << 20, cpu_millis: 250 };
        let small = Size::of(wanted).unwrap();
        assert!(small.is(wanted) && small.words() == "0.25 vCPU and 512 MB");
        let wanted = Resources { memory: 512 << 20, cpu_millis: 1_000 };
        let whole = Size::of(wanted).unwrap();
        assert!(!whole.is(wanted) && whole.words() == "1 vCPU and 2 GB");
    }
}
