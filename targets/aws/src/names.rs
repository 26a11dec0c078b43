//! Names on AWS: within each service's limits, and the same for the same project.
//!
//! Given: a bound project. Gives: names of things, of stacks, of their exports, and logical ids. Deliberately absent: the
//! account's number, which CloudFormation puts in where a name is global.

use dashdeploy_contract::{Bound, Name, derived_name};

/// The names of one environment's things.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    words: Vec<String>,
    project: String,
    environment: String,
}

impl Names {
    /// `shop` for production, `shop-staging` for others: accounts and regions are shared by environments.
    pub(crate) fn of(bound: &Bound) -> Self {
        let (project, environment) = (bound.project.to_string(), bound.environment.to_string());
        let words = match environment.as_str() {
            "production" => vec![project.clone()],
            other => vec![project.clone(), other.to_owned()],
        };
        Self { words, project, environment }
    }

    fn derived(&self, last: &[&str], most: usize) -> String {
        let words: Vec<&str> = self.words.iter().map(String::as_str).chain(last.iter().copied()).collect();
        derived_name(&words, most)
    }

    /// A stack: at most 128 of letters, digits and hyphens (CloudFormation API, `CreateStack`, `StackName`).
    pub(crate) fn stack(&self, which: Stack) -> String {
        self.derived(&[which.word()], 128)
    }

    /// An export of a stack: letters, digits, colons and hyphens (CloudFormation, "Outputs section syntax").
    pub(crate) fn export(&self, which: Stack, thing: &str) -> String {
        format!("{}-{thing}", self.stack(which))
    }

    /// Cluster: at most 255 (ECS API, `CreateCluster`).
    pub(crate) fn cluster(&self) -> String {
        self.derived(&[], 128)
    }

    /// ECS service and family of task definitions: at most 255 (ECS API, `CreateService`, `RegisterTaskDefinition`).
    pub(crate) fn service(&self, service: &Name) -> String {
        self.derived(&[service.as_str()], 255)
    }

    /// Load balancer: at most 32 letters, digits and hyphens, not `internal-…` (ELB v2 API, `CreateLoadBalancer`).
    pub(crate) fn balancer(&self) -> String {
        let name = self.derived(&[], 32);
        if name.starts_with("internal-") { derived_name(&["alb", &name], 32) } else { name }
    }

    /// Target group: at most 32 (ELB v2 API, `CreateTargetGroup`).
    pub(crate) fn target_group(&self, service: &Name) -> String {
        self.derived(&[service.as_str()], 32)
    }

    /// IAM role: at most 64 (IAM API, `CreateRole`); `use` is `exec` or `task`. Roles are the account's, not a region's.
    pub(crate) fn role(&self, service: &Name, purpose: &str) -> String {
        let cut = derived_name(&[&self.derived(&[service.as_str()], 58)], 58);
        format!("{cut}-{purpose}")
    }

    /// The bucket without account and region, which follow it: together at most 63 (S3, "General purpose bucket naming
    /// rules"); 12 digits, the longest region of 14, two hyphens.
    pub(crate) fn bucket(&self, page: &Name) -> String {
        self.derived(&[page.as_str()], 35)
    }

    /// A name of CloudFront's: at most 64 (CloudFront API, `CreateFunction`, `CreateOriginAccessControl`). These are the
    /// account's, not a region's.
    pub(crate) fn edge(&self, page: &Name) -> String {
        self.derived(&[page.as_str()], 64)
    }

    /// The function that mends redirects; no page's has its name, since those hold no `_`.
    pub(crate) fn redirects(&self) -> String {
        format!("{}_redirects", self.derived(&[], 54))
    }

    /// Repository: at most 256, lower case (ECR API, `CreateRepository`).
    pub(crate) fn repository(&self, service: &Name) -> String {
        format!("{}/{service}", self.derived(&[], 128))
    }

    /// Log group: at most 512 (CloudWatch Logs API, `CreateLogGroup`).
    pub(crate) fn log_group(&self, service: &Name) -> String {
        format!("/ecs/{}/{service}", self.derived(&[], 128))
    }

    /// Secret: at most 512 (Secrets Manager API, `CreateSecret`); no name of a variable ends like `-AbCdEf`.
    pub(crate) fn secret(&self, variable: &str) -> String {
        format!("{}/{}/{variable}", self.project, self.environment)
    }

    /// The domain of names inside the network: one DNS label below `internal`.
    pub(crate) fn namespace(&self) -> String {
        format!("{}.internal", self.derived(&[], 63))
    }

    /// The host name of a service inside the network.
    pub(crate) fn host(&self, service: &Name) -> String {
        format!("{service}.{}", self.namespace())
    }
}

/// The stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    /// What stays: network, data, roles, repositories, buckets.
    Core,
    /// What runs: task definitions and services.
    Services,
    /// What answers: distributions and their rules.
    Cdn,
}

impl Stack {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Services => "services",
            Self::Cdn => "cdn",
        }
    }

    pub(crate) fn file(self) -> String {
        format!("deploy/aws/{}.yaml", self.word())
    }
}

/// A logical id's first part: letters and digits. A name in which that would lose something (`a-1` and `a1`, `a--b` and
/// `a-b`) is ended by digits of its own.
pub(crate) fn logical(name: impl AsRef<str>) -> String {
    let (id, is_lossy) = pascal(name.as_ref());
    if is_lossy { format!("{id}{:04x}", fnv(name.as_ref()) & 0xffff) } else { id }
}

/// A name in one word, each part with a capital; and whether another name could give the same.
pub(crate) fn pascal(name: &str) -> (String, bool) {
    let mut id = String::new();
    let (mut starts, mut is_lossy) = (true, false);
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            is_lossy |= starts && !id.is_empty() && c.is_ascii_digit();
            id.push(if starts { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
            starts = false;
        } else {
            is_lossy |= starts;
            starts = true;
        }
    }
    (id, is_lossy)
}

/// FNV-1a, 32 bits (draft-eastlake-fnv): small, stable, and no secret depends on it.
pub(crate) fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(project: &str, environment: &str) -> Names {
        let mut bound = dashdeploy_contract::conformance::sample("aws").bound;
        bound.project = Name::from_any(project, "shop");
        bound.environment = Name::from_any(environment, "production");
        Names::of(&bound)
    }

    #[test]
    fn every_name_is_within_its_limit() {
        let service = Name::from_any(&"s".repeat(63), "s");
        let (long, environment) = ("p".repeat(63), "e".repeat(63));
        for environment in ["production", "staging", &environment] {
            let names = names(&long, environment);
            for stack in [Stack::Core, Stack::Services, Stack::Cdn] {
                assert!(names.stack(stack).len() <= 128);
            }
            assert!(names.balancer().len() <= 32 && names.target_group(&service).len() <= 32);
            assert!(names.role(&service, "exec").len() <= 64, "{}", names.role(&service, "exec"));
            assert!(names.bucket(&service).len() + "-123456789012-ap-southeast-1".len() <= 63);
            assert!(names.edge(&service).len() <= 64 && names.service(&service).len() <= 255);
            assert!(names.repository(&service).len() <= 256 && names.log_group(&service).len() <= 512);
            assert!(names.host(&service).split('.').all(|label| label.len() <= 63));
        }
        assert_eq!(names("internal-shop", "production").balancer(), "alb-internal-shop");
    }

    #[test]
    fn stacks_of_two_environments_are_two() {
        assert_eq!(names("shop", "production").stack(Stack::Core), "shop-core");
        assert_eq!(names("shop", "staging").stack(Stack::Core), "shop-staging-core");
    }

    #[test]
    fn logical_ids_keep_names_apart() {
        for (one, other) in [("a-1b", "a1b"), ("a1-b", "a1b"), ("a--b", "a-b"), ("ab", "a-b")] {
            assert_ne!(logical(one), logical(other), "{one} {other}");
        }
        assert_eq!(logical("small-cap"), "SmallCap");
        assert_eq!(logical("API_KEY"), "ApiKey");
    }
}
