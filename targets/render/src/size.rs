//! Instance types.
//!
//! Given: a service's limits. Gives: the smallest type that has them. Deliberately absent: prices.

use dashdeploy_contract::Service;

use crate::config::Place;

/// An instance type (<https://render.com/pricing>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The word under `plan:`.
    pub(crate) word: &'static str,
    /// Mebibytes of memory.
    pub(crate) memory: u64,
    /// Thousandths of a processor.
    pub(crate) cpu_millis: u32,
}

const fn plan(word: &'static str, memory: u64, cpu_millis: u32) -> Plan {
    Plan { word, memory, cpu_millis }
}

/// From small to large. `free` is taken only where it is asked for: it sleeps, and has neither disk nor copies.
const PLANS: [Plan; 7] = [
    plan("free", 512, 100),
    plan("starter", 512, 500),
    plan("standard", 2048, 1000),
    plan("pro", 4096, 2000),
    plan("pro plus", 8192, 4000),
    plan("pro max", 16_384, 4000),
    plan("pro ultra", 32_768, 8000),
];

/// What a service may use of a processor without a word about it in dashdeploy.yaml; no reason for a larger type.
const ORDINARY_CPU: u32 = 1000;

/// The service's instance type: the one asked for, else the smallest with its memory, and with its processors where those are
/// more than the ordinary one. None where there is no such type.
pub(crate) fn of(place: &Place, service: &Service) -> Option<Plan> {
    if let Some(word) = place.option(service, "plan") {
        return PLANS.into_iter().find(|plan| plan.word == word);
    }
    PLANS[1..].iter().copied().find(|plan| has_memory(plan, service) && has_cpu(plan, service))
}

/// True where the type has the memory that the service may use.
pub(crate) fn has_memory(plan: &Plan, service: &Service) -> bool {
    plan.memory << 20 >= service.resources.memory
}

fn has_cpu(plan: &Plan, service: &Service) -> bool {
    let wanted = service.resources.cpu_millis;
    plan.cpu_millis >= wanted || wanted <= ORDINARY_CPU
}

impl Plan {
    /// True for the type that costs nothing.
    pub(crate) fn is_free(self) -> bool {
        self.word == "free"
    }

    /// Its memory and processors for people.
    pub(crate) fn about(self) -> String {
        let processors = match self.cpu_millis {
            millis if millis % 1000 == 0 => (millis / 1000).to_string(),
            millis => format!("0.{}", millis / 100),
        };
        format!("{} MiB and {processors} CPU", self.memory)
    }
}

/// Whole gigabytes that hold a number of bytes, at least one.
pub(crate) fn gigabytes(bytes: Option<u64>) -> u64 {
    bytes.unwrap_or_default().div_ceil(1 << 30).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!([None, Some(1), Some(1 << 30), Some((1 << 30) + 1)].map(gigabytes), [1, 1, 1, 2]);
        assert_eq!(PLANS[1].about(), "512 MiB and 0.5 CPU");
        assert_eq!(PLANS[6].about(), "32768 MiB and 8 CPU");
    }
}
