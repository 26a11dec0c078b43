//! What a service must keep: the volume, the links that lead relative paths into it, what stays out of the image.
//!
//! Given: a draft with its files. Gives: `volumes`, `build.links`, `build.ignore` of the draft, notes. Deliberately absent: moving
//! data; an empty volume is seeded from the image by the engine.

use dashdeploy_contract::Name;

use super::data::{self, Uses};
use super::draft::Draft;
use super::index::{Index, is_within, join, name_of};
use super::model::{Evidence, Note, Topic, Variable};

/// Where the volume is mounted.
const MOUNT: &str = "/data";

/// The volume's name.
pub(crate) fn volume_name() -> Name {
    Name::from_any("data", "data")
}

/// Fills in what is kept. Paths are relative to where the program runs: the context folder.
pub(crate) fn fill(index: &Index<'_>, draft: &mut Draft) {
    if !draft.is_server() {
        return;
    }
    let base = draft.context().to_owned();
    let uses = data::uses(index, &base, &draft.files, &draft.reads);
    let folders: Vec<(String, Evidence)> = data::folders(index, &base, &uses)
        .into_iter()
        .filter(|(folder, _)| is_own_data(index, draft, &base, folder))
        .collect();
    let many = folders.iter().filter(|(folder, _)| !folder.starts_with('/')).count() > 1;
    for (folder, evidence) in folders {
        if folder.starts_with('/') {
            draft.proposal.conclude(Topic::Data, format!("`{folder}` is written to"), Some(evidence));
            draft.proposal.volumes.entry(volume_name()).or_insert(folder);
            continue;
        }
        let end = if folder == "data" || !many { MOUNT.to_owned() } else { format!("{MOUNT}/{folder}") };
        keep(index, draft, &base, &folder, &end, evidence);
    }
    loose(index, &base, draft, &uses);
}

/// False for folders that hold the program itself.
fn is_own_data(index: &Index<'_>, draft: &Draft, base: &str, folder: &str) -> bool {
    let path = join(base, folder);
    !draft.files.iter().any(|file| file.starts_with(&format!("{path}/"))) && !index.has(&path)
}

fn keep(index: &Index<'_>, draft: &mut Draft, base: &str, folder: &str, end: &str, evidence: Evidence) {
    let proposal = &mut draft.proposal;
    proposal.conclude(
        Topic::Data,
        format!("`{folder}/` is written to: kept in the volume `data`, `{folder}` becomes a link to `{end}`"),
        Some(evidence),
    );
    proposal.build.links.insert(folder.to_owned(), end.to_owned());
    proposal.volumes.entry(volume_name()).or_insert_with(|| MOUNT.to_owned());
    let shipped = data::shipped(index, &join(base, folder));
    let patterns = data::ignore_for(index, base, folder);
    if shipped > 0 {
        let files = if shipped == 1 { "file" } else { "files" };
        let (are, seed) = if shipped == 1 { ("is", "seeds") } else { ("are", "seed") };
        let example = index.under(&join(base, folder)).find(|path| !index.ignored(path)).unwrap_or_default();
        let text = format!(
            "{shipped} {files} in `{folder}/` {are} shipped with the repository and {seed} the empty volume"
        );
        proposal.conclude(Topic::Data, text, Some(index.evidence(example, "")));
    }
    let evidence = patterns.first().map(|(_, evidence)| evidence.clone());
    for (pattern, _) in patterns {
        proposal.build.ignore.push(pattern);
    }
    if let Some(evidence) = evidence {
        let text = format!("what Git ignores in `{folder}/` stays out of the image");
        proposal.conclude(Topic::Data, text, Some(evidence));
    }
}

/// Files beside the code: moved by their variable where there is one, else linked.
fn loose(index: &Index<'_>, base: &str, draft: &mut Draft, uses: &Uses) {
    for one in data::loose_files(index, base, uses) {
        if draft.proposal.build.links.contains_key(&one.path) {
            continue;
        }
        let variable = draft.reads.iter().find(|read| {
            let default = read.default.as_deref().unwrap_or_default();
            default == one.path || data::sqlite_path(default).as_deref() == Some(one.path.as_str())
        });
        let Some(read) = variable.cloned() else {
            let end = format!("{MOUNT}/{}", one.path);
            let proposal = &mut draft.proposal;
            proposal.conclude(
                Topic::Data,
                format!(
                    "`{}` is written beside the code: it becomes a link to `{end}` in the volume `data`",
                    one.path
                ),
                Some(one.evidence.clone()),
            );
            proposal.build.links.insert(one.path.clone(), end);
            proposal.volumes.entry(volume_name()).or_insert_with(|| MOUNT.to_owned());
            continue;
        };
        let default = read.default.clone().unwrap_or_default();
        let value = match default.split_once("://") {
            Some((scheme, _)) => format!("{scheme}:///{MOUNT}/{}", one.path),
            None => format!("{MOUNT}/{}", one.path),
        };
        let proposal = &mut draft.proposal;
        proposal.conclude(
            Topic::Data,
            format!("`{}` is written to: kept in the volume `data` by `{}`", one.path, read.name),
            Some(read.evidence()),
        );
        proposal.volumes.entry(volume_name()).or_insert_with(|| MOUNT.to_owned());
        proposal.env.insert(read.name.clone(), Variable { value, evidence: read.evidence() });
    }
}

/// Services that share no folder share no data: each gets a volume of its own. Those that do write to the same one.
pub(crate) fn separate(drafts: &mut [Draft], notes: &mut Vec<Note>) {
    let shared = volume_name();
    let mut owners: Vec<String> = Vec::new();
    for draft in drafts.iter_mut() {
        let Some(path) = draft.proposal.volumes.get(&shared).cloned() else { continue };
        let context = draft.context().to_owned();
        if owners.first().is_none_or(|first| *first == context) {
            if !owners.is_empty() {
                let message = format!(
                    "`{}` shares the volume `{shared}` with another service: both may write at once",
                    draft.proposal.name
                );
                notes.push(
                    Note::hint("shared-volume", message).mend(
                        "if one of them only reads, or SQLite is in it, keep its writes in one service",
                    ),
                );
            }
            owners.push(context);
            continue;
        }
        let own = Name::from_any(&format!("{}-{shared}", draft.proposal.name), "data");
        draft.proposal.volumes.shift_remove(&shared);
        draft.proposal.volumes.insert(own, path);
    }
}

/// A volume for each path: the first has the given name, the others that of their folder.
pub(crate) fn named(paths: &[String], first: Name) -> Vec<(Name, String)> {
    let mut found: Vec<(Name, String)> = Vec::new();
    for path in paths {
        let own = Name::from_any(&format!("{first}-{}", name_of(path)), "data");
        let mut name = if found.is_empty() { first.clone() } else { own };
        while found.iter().any(|(known, _)| *known == name) {
            name = Name::from_any(&format!("{name}-2"), "data");
        }
        if !found.iter().any(|(_, known)| is_within(path, known) || is_within(known, path)) {
            found.push((name, path.clone()));
        }
    }
    found
}
