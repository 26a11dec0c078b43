//! Which package manager installs, and whether a lock file pins what it installs.
//!
//! Given: the tree. Gives: manager, lock, what to mend. Deliberately absent: comparing a lock file with its manifest.

use dashdeploy_contract::NodeManager;

use crate::detect::index::{Index, folder_of, join};
use crate::detect::model::{Evidence, Note};
use crate::detect::python::packages::in_folder;

use super::package::Package;

/// The manager chosen.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub manager: NodeManager,
    pub locked: bool,
    pub conclusion: String,
    pub evidence: Option<Evidence>,
    pub notes: Vec<Note>,
}

const MANAGERS: [NodeManager; 3] = [NodeManager::Npm, NodeManager::Pnpm, NodeManager::Yarn];

/// The manager whose lock file lies beside the manifest; else the one that `packageManager` names; else npm.
pub(crate) fn manager(index: &Index<'_>, package: &Package) -> Chosen {
    let stated = package.text("packageManager").and_then(|text| {
        MANAGERS.into_iter().find(|manager| text.split('@').next() == Some(manager.as_str()))
    });
    let locked: Vec<NodeManager> = MANAGERS
        .into_iter()
        .filter(|manager| index.has(&join(&package.folder, manager.lock_file())))
        .collect();
    let manager =
        stated.filter(|manager| locked.is_empty() || locked.contains(manager)).or(locked.first().copied());
    let mut chosen = match manager.filter(|manager| locked.contains(manager)) {
        Some(manager) => {
            let lock = join(&package.folder, manager.lock_file());
            Chosen {
                manager,
                locked: true,
                conclusion: format!("{}, locked", manager.as_str()),
                evidence: Some(index.evidence(&lock, "")),
                notes: Vec::new(),
            }
        }
        None => unlocked(index, package, stated.unwrap_or(NodeManager::Npm)),
    };
    chosen.notes.extend(newer_yarn(index, package, chosen.manager));
    if locked.len() > 1 {
        let names: Vec<&str> = locked.iter().map(|manager| manager.lock_file()).collect();
        let message = format!(
            "several lock files lie side by side ({}); {} was taken",
            names.join(", "),
            chosen.manager.as_str()
        );
        chosen.notes.push(
            Note::hint("several-lock-files", message)
                .mend("delete those of the managers that are not used")
                .at(package.evidence("name")),
        );
    }
    chosen
}

fn unlocked(index: &Index<'_>, package: &Package, manager: NodeManager) -> Chosen {
    let command = match manager {
        NodeManager::Npm => "npm install --package-lock-only",
        NodeManager::Pnpm => "pnpm install --lockfile-only",
        NodeManager::Yarn => "yarn install --mode update-lockfile",
    };
    let above = shared_lock(index, &package.folder);
    let message = match &above {
        Some(lock) => format!(
            "`{}` is a part of a workspace: its lock file `{lock}` lies outside its folder and is not used, so each build may \
             get other versions",
            package.path
        ),
        None => format!("`{}` has no lock file beside it: each build may get other versions", package.path),
    };
    let note = Note::warning("no-lock-file", message)
        .mend(in_folder(&package.folder, command))
        .at(package.evidence("dependencies"));
    let bun =
        ["bun.lockb", "bun.lock"].iter().map(|name| join(&package.folder, name)).find(|path| index.has(path));
    let mut notes = vec![note];
    notes.extend(bun.map(|path| {
        Note::warning("lock-file-not-read", "Bun's lock file is not read; npm installs instead")
            .at(index.evidence(&path, ""))
    }));
    let evidence = package.text("packageManager").map(|_| package.evidence("packageManager"));
    Chosen {
        manager,
        locked: false,
        conclusion: format!("{}, without a lock file", manager.as_str()),
        evidence,
        notes,
    }
}

/// The lock file of a workspace above.
fn shared_lock(index: &Index<'_>, folder: &str) -> Option<String> {
    let mut folder = folder;
    while !folder.is_empty() {
        folder = folder_of(folder);
        let locks = MANAGERS.iter().map(|manager| join(folder, manager.lock_file()));
        if let Some(lock) = locks.into_iter().find(|path| index.has(path)) {
            return Some(lock);
        }
    }
    None
}

fn newer_yarn(index: &Index<'_>, package: &Package, manager: NodeManager) -> Option<Note> {
    let settings = join(&package.folder, ".yarnrc.yml");
    (manager == NodeManager::Yarn && index.has(&settings)).then(|| {
        Note::warning("lock-file-not-read", "this is Yarn 2 or later; the generated Dockerfile uses Yarn 1, which does not read its lock file")
            .at(index.evidence(&settings, ""))
    })
}
