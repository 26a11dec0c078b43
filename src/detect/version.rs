//! Versions of Python and Node.js, from the project's files and never from this machine.
//!
//! Given: the tree. Gives: one version with its place, or the stated default. Deliberately absent: asking what is installed, or
//! what was published lately: the same tree must give the same answer everywhere.

use super::index::{Index, folder_of, join, name_of};
use super::model::Evidence;

/// Taken where the project says nothing.
pub(crate) const DEFAULT_PYTHON: &str = "3.11";
/// The oldest version taken from an open range: older ones get no security fixes any more.
const OLDEST_PYTHON: u32 = 11;
/// Taken where the project says nothing.
pub(crate) const DEFAULT_NODE: &str = "20";
/// The oldest version taken from an open range.
const OLDEST_NODE: u32 = 20;

/// A version and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub text: String,
    pub evidence: Option<Evidence>,
}

/// The folder itself, then those above it up to the project's.
fn upwards(folder: &str) -> Vec<&str> {
    let mut folders = vec![folder];
    let mut folder = folder;
    while !folder.is_empty() {
        folder = folder_of(folder);
        folders.push(folder);
    }
    folders
}

/// Python's version for a service in a folder.
pub(crate) fn python(index: &Index<'_>, folder: &str) -> Version {
    for folder in upwards(folder) {
        let from_files = plain_file(index, &join(folder, ".python-version"), python_exact)
            .or_else(|| plain_file(index, &join(folder, "runtime.txt"), python_exact))
            .or_else(|| tool_versions(index, folder, "python", python_exact))
            .or_else(|| keyed(index, &join(folder, "pyproject.toml"), &["requires-python"], python_range))
            .or_else(|| poetry_python(index, &join(folder, "pyproject.toml")))
            .or_else(|| {
                keyed(
                    index,
                    &join(folder, "Pipfile"),
                    &["python_version", "python_full_version"],
                    python_exact,
                )
            })
            .or_else(|| base_image(index, folder, "python", python_exact));
        if let Some(version) = from_files {
            return version;
        }
    }
    Version { text: DEFAULT_PYTHON.to_owned(), evidence: None }
}

/// Node.js's major version for a service in a folder.
pub(crate) fn node(index: &Index<'_>, folder: &str) -> Version {
    for folder in upwards(folder) {
        let manifest = join(folder, "package.json");
        let from_files = plain_file(index, &join(folder, ".nvmrc"), node_exact)
            .or_else(|| plain_file(index, &join(folder, ".node-version"), node_exact))
            .or_else(|| package_version(index, &manifest, "volta", node_exact))
            .or_else(|| package_version(index, &manifest, "engines", node_range))
            .or_else(|| tool_versions(index, folder, "nodejs", node_exact))
            .or_else(|| base_image(index, folder, "node", node_exact));
        if let Some(version) = from_files {
            return version;
        }
    }
    Version { text: DEFAULT_NODE.to_owned(), evidence: None }
}

/// The first line of a version file that is neither empty nor a comment.
fn plain_file(index: &Index<'_>, path: &str, read: fn(&str) -> Option<String>) -> Option<Version> {
    let text = index.text(path)?;
    let (at, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
    Some(Version { text: read(line.trim())?, evidence: Some(Evidence::new(line, path, at + 1)) })
}

/// A line of asdf's or mise's `.tool-versions`.
fn tool_versions(
    index: &Index<'_>,
    folder: &str,
    tool: &str,
    read: fn(&str) -> Option<String>,
) -> Option<Version> {
    let path = join(folder, ".tool-versions");
    let text = index.text(&path)?;
    text.lines().enumerate().find_map(|(at, line)| {
        let mut words = line.split_whitespace();
        let text = (words.next() == Some(tool)).then(|| read(words.next()?)).flatten()?;
        Some(Version { text, evidence: Some(Evidence::new(line, &path, at + 1)) })
    })
}

/// `key = "value"` in a TOML file.
fn keyed(index: &Index<'_>, path: &str, keys: &[&str], read: fn(&str) -> Option<String>) -> Option<Version> {
    let text = index.text(path)?;
    text.lines().enumerate().find_map(|(at, line)| {
        let (key, value) = line.split_once('=')?;
        let value = value.split('#').next()?.trim().trim_matches(['"', '\'']);
        let text = keys.contains(&key.trim().trim_matches('"')).then(|| read(value)).flatten()?;
        Some(Version { text, evidence: Some(Evidence::new(line, path, at + 1)) })
    })
}

/// `python = "^3.11"` below `[tool.poetry.dependencies]`.
fn poetry_python(index: &Index<'_>, path: &str) -> Option<Version> {
    let text = index.text(path)?;
    let start = text.lines().position(|line| line.trim() == "[tool.poetry.dependencies]")?;
    text.lines().enumerate().skip(start + 1).take_while(|(_, line)| !line.starts_with('[')).find_map(
        |(at, line)| {
            let (key, value) = line.split_once('=')?;
            let text = (key.trim() == "python")
                .then(|| python_range(value.trim().trim_matches(['"', '\''])))
                .flatten()?;
            Some(Version { text, evidence: Some(Evidence::new(line, path, at + 1)) })
        },
    )
}

/// `FROM python:3.11-slim` of a Dockerfile in the folder or in one directly below it.
fn base_image(
    index: &Index<'_>,
    folder: &str,
    image: &str,
    read: fn(&str) -> Option<String>,
) -> Option<Version> {
    let depth = if folder.is_empty() { 0 } else { folder.split('/').count() };
    let near = index.under(folder).filter(|path| path.split('/').count() <= depth + 2);
    near.filter(|path| name_of(path).contains("Dockerfile")).find_map(|path| {
        let text = index.text(path)?;
        text.lines().enumerate().find_map(|(at, line)| {
            let mut words = line.split_whitespace().filter(|word| !word.starts_with("--"));
            let from = words.next().is_some_and(|word| word.eq_ignore_ascii_case("from"));
            let (name, tag) = words.next().filter(|_| from)?.split_once(':')?;
            let text = (name_of(name) == image).then(|| read(tag)).flatten()?;
            Some(Version { text, evidence: Some(Evidence::new(line, path, at + 1)) })
        })
    })
}

/// `{ "engines": { "node": … } }`.
fn package_version(
    index: &Index<'_>,
    path: &str,
    group: &str,
    read: fn(&str) -> Option<String>,
) -> Option<Version> {
    let manifest: serde_json::Value = serde_json::from_str(&index.text(path)?).ok()?;
    let text = read(manifest.get(group)?.get("node")?.as_str()?)?;
    let content = index.text(path)?;
    let start = content.lines().position(|line| line.contains(&format!("\"{group}\"")))?;
    let line = content.lines().enumerate().skip(start).find(|(_, line)| line.contains("\"node\""));
    Some(Version { text, evidence: line.map(|(at, line)| Evidence::new(line, path, at + 1)) })
}

/// `3.11`, `3.11.4`, `python-3.11.4`, `cpython@3.11`, `3.11-slim`: major and minor.
fn python_exact(text: &str) -> Option<String> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    if !matches!(text[..start].trim_end_matches(['-', '@', '=', 'v']), "" | "python" | "cpython") {
        return None;
    }
    let mut parts = text[start..].split(['.', '-', ' ', '+']);
    let minor: u32 = (parts.next()? == "3").then(|| parts.next()?.parse().ok()).flatten()?;
    (7..100).contains(&minor).then(|| format!("3.{minor}"))
}

/// `20`, `v20.11.1`, `20-alpine`, `lts/iron`: the major version.
fn node_exact(text: &str) -> Option<String> {
    const NAMED: [(&str, &str); 5] =
        [("gallium", "16"), ("hydrogen", "18"), ("iron", "20"), ("jod", "22"), ("krypton", "24")];
    if let Some(name) = text.strip_prefix("lts/") {
        let known = NAMED.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
        return known.map(|(_, major)| (*major).to_owned());
    }
    let digits: String = text.trim_start_matches('v').chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<u32>().ok().filter(|major| (1..100).contains(major)).map(|major| major.to_string())
}

/// Which versions a range allows, as a set of lower and upper bounds: `>=3.10,<3.13`, `^3.11`, `~=3.11`, `3.11.*`.
fn python_range(text: &str) -> Option<String> {
    let text = text.split("||").next()?;
    let (mut low, mut high) = (0u32, 99u32);
    let mut floor_stated = false;
    for clause in text.split([',', ' ']).map(str::trim).filter(|clause| !clause.is_empty()) {
        let digits = clause.find(|c: char| c.is_ascii_digit())?;
        let mut parts = clause[digits..].split('.');
        let major: u32 = parts.next()?.parse().ok()?;
        let minor: u32 = parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
        let patch = parts.next();
        match clause[..digits].trim() {
            ">=" | ">" | "^" if major == 3 => (low, floor_stated) = (low.max(minor), true),
            "~=" if major == 3 => {
                (low, floor_stated) = (low.max(minor), true);
                high = if patch.is_some() { minor } else { high };
            }
            "" | "==" | "===" | "~" if major == 3 => (low, high, floor_stated) = (minor, minor, true),
            // `<3.13` leaves out 3.13, `<3.13.2` and `<=3.13` do not.
            "<" if major == 3 => {
                high = high.min(if patch.is_some_and(|p| p != "0") { minor } else { minor.checked_sub(1)? })
            }
            "<=" if major == 3 => high = high.min(minor),
            "<" | "<=" | "!=" => {}
            _ => return None,
        }
    }
    let default: u32 = DEFAULT_PYTHON.trim_start_matches("3.").parse().ok()?;
    // The lowest version that the project promises is the one its pinned packages surely have wheels for.
    let chosen = if floor_stated && (low == high || low >= OLDEST_PYTHON) {
        low
    } else if low <= default && default <= high {
        default
    } else {
        high.min(default).max(low)
    };
    (low <= high && (7..100).contains(&chosen)).then(|| format!("3.{chosen}"))
}

/// `>=18`, `^20.9`, `20.x`, `18 || 20`, `>=18 <21`: one major version that the range allows.
fn node_range(text: &str) -> Option<String> {
    let mut allowed: Vec<u32> = Vec::new();
    let mut stated: Vec<u32> = Vec::new();
    for alternative in text.split("||") {
        let (mut low, mut high) = (0u32, 99u32);
        let spaced = alternative.replace(">= ", ">=").replace("< ", "<").replace(" - ", " <=");
        for clause in spaced.split_whitespace() {
            let Some(digits) = clause.find(|c: char| c.is_ascii_digit()) else { continue };
            let major: u32 = node_exact(&clause[digits..])?.parse().ok()?;
            match clause[..digits].trim_end_matches('v') {
                ">=" | ">" => low = low.max(major),
                "<" => {
                    high = high.min(if clause[digits..].contains('.') && !clause.ends_with(".0.0") {
                        major
                    } else {
                        major.checked_sub(1)?
                    })
                }
                "<=" => high = high.min(major),
                _ => (low, high) = (major, major),
            }
        }
        stated.push(low);
        allowed.extend(low..=high.min(40));
    }
    let default: u32 = DEFAULT_NODE.parse().ok()?;
    let stated = stated
        .into_iter()
        .filter(|major| *major >= OLDEST_NODE && major % 2 == 0 && allowed.contains(major))
        .min();
    let chosen = stated
        .or_else(|| allowed.contains(&default).then_some(default))
        .or_else(|| allowed.iter().max().copied())?;
    Some(chosen.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_versions() {
        for (text, version) in
            [("3.11", "3.11"), ("python-3.12.1", "3.12"), ("3.11-slim", "3.11"), ("cpython@3.13.0", "3.13")]
        {
            assert_eq!(python_exact(text).as_deref(), Some(version), "{text}");
        }
        for none in ["system", "pypy3.9-7", "latest", "2.7", "my3.9"] {
            assert_eq!(python_exact(none), None, "{none}");
        }
        for (range, version) in [
            (">=3.11", "3.11"),
            (">=3.8", "3.11"),
            (">=3.9,<3.12", "3.11"),
            ("^3.11", "3.11"),
            ("==3.10.*", "3.10"),
            (">=3.13", "3.13"),
            ("~=3.11", "3.11"),
            ("~=3.11.2", "3.11"),
            (">=3.8, <3.11", "3.10"),
            (">=3.11,<4.0", "3.11"),
            ("<3.13", "3.11"),
            ("3.12.*", "3.12"),
        ] {
            assert_eq!(python_range(range).as_deref(), Some(version), "{range}");
        }
        assert_eq!(python_range("whatever"), None);
        assert_eq!(python_range(">=3.14,<3.12"), None);
    }

    #[test]
    fn node_versions() {
        for (text, version) in [("v20.11.1", "20"), ("22", "22"), ("lts/iron", "20"), ("20-alpine", "20")] {
            assert_eq!(node_exact(text).as_deref(), Some(version), "{text}");
        }
        for none in ["lts/*", "node", "alpine", "latest", "0"] {
            assert_eq!(node_exact(none), None, "{none}");
        }
        for (range, version) in [
            (">=18", "20"),
            (">=20", "20"),
            ("^20.9.0", "20"),
            ("20.x", "20"),
            ("18 || 20", "20"),
            (">=18 <21", "20"),
            (">=18.0.0 <19.0.0", "18"),
            ("^20.19.0 || >=22.12.0", "20"),
            ("16.x", "16"),
            (">= 20", "20"),
            ("*", "20"),
        ] {
            assert_eq!(node_range(range).as_deref(), Some(version), "{range}");
        }
    }
}
