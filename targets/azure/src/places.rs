//! Where and how large: Azure's regions, the sizes of Container Apps and App Service plans.
//!
//! Given: what dashdeploy.yaml asks for. Gives: what Azure has for it. Deliberately absent: prices, and whether a
//! subscription may use a region, which only Azure knows.

use dashdeploy_contract::Resources;

/// Regions with Container Apps (azure.microsoft.com, "Products available by region"). Others are a warning, since the list
/// grows.
pub(crate) const REGIONS: [&str; 42] = [
    "australiacentral",
    "australiaeast",
    "australiasoutheast",
    "austriaeast",
    "brazilsouth",
    "canadacentral",
    "canadaeast",
    "centralindia",
    "centralus",
    "eastasia",
    "eastus",
    "eastus2",
    "francecentral",
    "germanywestcentral",
    "indonesiacentral",
    "israelcentral",
    "italynorth",
    "japaneast",
    "japanwest",
    "jioindiawest",
    "koreacentral",
    "koreasouth",
    "malaysiawest",
    "mexicocentral",
    "newzealandnorth",
    "northcentralus",
    "northeurope",
    "norwayeast",
    "polandcentral",
    "qatarcentral",
    "southafricanorth",
    "southcentralus",
    "southeastasia",
    "southindia",
    "spaincentral",
    "swedencentral",
    "switzerlandnorth",
    "uaenorth",
    "uksouth",
    "westeurope",
    "westus2",
    "westus3",
];

/// Regions that are not in [`REGIONS`] but exist, for a better word about them.
const OTHERS: [&str; 5] = ["ukwest", "westcentralus", "westus", "westindia", "switzerlandwest"];

/// Regions that a Static Web App can be made in; its files are served from everywhere
/// (learn.microsoft.com, "Azure Static Web Apps frequently asked questions").
pub(crate) const PAGE_REGIONS: [&str; 5] = ["centralus", "eastasia", "eastus2", "westeurope", "westus2"];

/// True for a region that this version knows.
pub(crate) fn is_known(region: &str) -> bool {
    REGIONS.contains(&region) || OTHERS.contains(&region)
}

/// `West Europe` as `westeurope`; none where nothing of it is a known region.
pub(crate) fn meant(region: &str) -> Option<String> {
    let plain: String = region.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    is_known(&plain).then_some(plain)
}

/// The region of [`PAGE_REGIONS`] for a region.
pub(crate) fn of_page(region: Option<&str>) -> &'static str {
    let Some(region) = region else { return "eastus2" };
    if let Some(same) = PAGE_REGIONS.iter().find(|known| **known == region) {
        return same;
    }
    let holds = |words: &[&str]| words.iter().any(|word| region.contains(word));
    let eastern = ["asia", "japan", "korea", "india", "australia", "newzealand", "malaysia", "indonesia"];
    if holds(&eastern) {
        "eastasia"
    } else if holds(&["westus", "westcentralus"]) {
        "westus2"
    } else if holds(&["northcentralus", "southcentralus", "mexico"]) {
        "centralus"
    } else if holds(&["eastus", "canada", "brazil"]) {
        "eastus2"
    } else {
        "westeurope"
    }
}

/// A size of a container: quarters of a processor, each with half a gibibyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    quarters: u64,
}

impl Size {
    /// The most of the Consumption profile: 4 processors with 8 GiB (learn.microsoft.com, "Containers in Azure Container
    /// Apps", allocations).
    const MOST: u64 = 16;
    /// The memory of one step.
    const STEP: u64 = 512 << 20;

    /// The smallest size that holds what is asked for; none where there is none.
    pub(crate) fn holding(resources: &Resources) -> Option<Self> {
        let quarters =
            u64::from(resources.cpu_millis).div_ceil(250).max(resources.memory.div_ceil(Self::STEP));
        (quarters <= Self::MOST).then_some(Self { quarters: quarters.max(1) })
    }

    /// Processors as a decimal number: `0.25`.
    pub(crate) fn cpu(self) -> String {
        let hundredths = self.quarters * 25;
        match (hundredths / 100, hundredths % 100) {
            (whole, 0) => whole.to_string(),
            (whole, 50) => format!("{whole}.5"),
            (whole, part) => format!("{whole}.{part}"),
        }
    }

    /// Memory as Azure writes it: `0.5Gi`.
    pub(crate) fn memory(self) -> String {
        match (self.quarters / 2, self.quarters % 2) {
            (whole, 0) => format!("{whole}Gi"),
            (whole, _) => format!("{whole}.5Gi"),
        }
    }

    /// True where it is exactly what was asked for.
    pub(crate) fn is(self, resources: &Resources) -> bool {
        u64::from(resources.cpu_millis) == self.quarters * 250
            && resources.memory == self.quarters * Self::STEP
    }
}

/// A size of an App Service plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sku {
    /// Its name.
    pub(crate) name: &'static str,
    /// Processors.
    pub(crate) cores: u32,
    /// Memory in MiB.
    pub(crate) memory: u64,
    /// The most machines of one plan.
    pub(crate) machines: u32,
}

/// The sizes offered (learn.microsoft.com, "Azure subscription and service limits", App Service limits, and the page of
/// prices).
pub(crate) const SKUS: [Sku; 10] = [
    Sku { name: "B1", cores: 1, memory: 1792, machines: 3 },
    Sku { name: "B2", cores: 2, memory: 3584, machines: 3 },
    Sku { name: "B3", cores: 4, memory: 7168, machines: 3 },
    Sku { name: "S1", cores: 1, memory: 1792, machines: 10 },
    Sku { name: "S2", cores: 2, memory: 3584, machines: 10 },
    Sku { name: "S3", cores: 4, memory: 7168, machines: 10 },
    Sku { name: "P0v3", cores: 1, memory: 4096, machines: 30 },
    Sku { name: "P1v3", cores: 2, memory: 8192, machines: 30 },
    Sku { name: "P2v3", cores: 4, memory: 16384, machines: 30 },
    Sku { name: "P3v3", cores: 8, memory: 32768, machines: 30 },
];

impl Sku {
    /// True where a site has slots, and copies of its own number (Standard and Premium).
    pub(crate) fn has_slots(self) -> bool {
        !self.name.starts_with('B')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let size = |memory: u64, cpu_millis| Size::holding(&Resources { memory: memory << 20, cpu_millis });
        let written = |size: Option<Size>| size.map(|size| (size.cpu(), size.memory()));
        assert_eq!(written(size(512, 250)), Some(("0.25".to_owned(), "0.5Gi".to_owned())));
        assert_eq!(written(size(512, 1000)), Some(("1".to_owned(), "2Gi".to_owned())));
        assert_eq!(written(size(513, 250)), Some(("0.5".to_owned(), "1Gi".to_owned())));
        assert_eq!(written(size(1536, 100)), Some(("0.75".to_owned(), "1.5Gi".to_owned())));
        assert_eq!(size(8193, 250), None);
        assert_eq!(size(64, 4001), None);
    }

    #[test]
    fn regions_are_read_as_people_write_them() {
        assert_eq!(meant("West Europe").as_deref(), Some("westeurope"));
        assert_eq!(meant("oregon"), None);
        assert_eq!(of_page(Some("germanywestcentral")), "westeurope");
        assert_eq!(of_page(Some("japaneast")), "eastasia");
        assert_eq!(of_page(Some("southcentralus")), "centralus");
        assert_eq!(of_page(None), "eastus2");
    }
}
