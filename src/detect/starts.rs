//! How the project's own files start things: Procfile, Dockerfiles, Compose files.
//!
//! Given: the tree. Gives: the lines with commands, and what they tell of applications and ports. Deliberately absent: files
//! that dashdeploy wrote itself, which would confirm whatever was concluded before.

use super::index::{Index, folder_of, is_aside, name_of};
use super::model::Evidence;

/// The start commands of the tree.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    folder: String,
    /// The process type of a Procfile.
    process: Option<String>,
    command: String,
    evidence: Evidence,
}

/// Collects the commands.
pub(crate) fn starts(index: &Index<'_>) -> Starts {
    let mut found = Starts::default();
    for path in index.files().filter(|path| !is_aside(path, "")) {
        let name = name_of(path);
        if name == "Procfile" {
            procfile(index, path, &mut found);
        } else if is_dockerfile(name) || is_compose(name) {
            let Some(text) = index.text(path).filter(|text| !is_ours(text)) else { continue };
            for (at, line) in text.lines().enumerate() {
                let code = line.trim_start();
                let words = ["CMD", "ENTRYPOINT", "command:", "entrypoint:"];
                if words.iter().any(|word| code.starts_with(word)) {
                    found.push(path, None, code, at + 1);
                }
            }
        }
    }
    found
}

fn procfile(index: &Index<'_>, path: &str, found: &mut Starts) {
    for (at, line) in index.text(path).iter().flat_map(|text| text.lines()).enumerate() {
        if let Some((process, command)) = line.split_once(':')
            && !line.starts_with('#')
        {
            found.push(path, Some(process.trim()), command.trim(), at + 1);
        }
    }
}

/// `Dockerfile`, `Containerfile`, `Dockerfile.prod`, `api.Dockerfile`.
pub(crate) fn is_dockerfile(name: &str) -> bool {
    let is_list = name.ends_with(".dockerignore")
        || name.ends_with(".bak")
        || name.ends_with(".j2")
        || name.ends_with(".md");
    !is_list
        && (name == "Dockerfile"
            || name == "Containerfile"
            || name.starts_with("Dockerfile.")
            || name.ends_with(".Dockerfile")
            || name.ends_with(".dockerfile"))
}

/// `docker-compose.yml`, `compose.prod.yaml` and their like.
pub(crate) fn is_compose(name: &str) -> bool {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| {
        let first = stem.split('.').next().unwrap_or_default();
        matches!(first, "docker-compose" | "compose") || first.starts_with("docker-compose-")
    })
}

/// True for a file with dashdeploy's header.
pub(crate) fn is_ours(text: &str) -> bool {
    text.lines()
        .take(6)
        .any(|line| line.trim_start().starts_with('#') && line.to_ascii_lowercase().contains("dashdeploy"))
}

impl Starts {
    fn push(&mut self, path: &str, process: Option<&str>, command: &str, line: usize) {
        self.lines.push(Line {
            folder: folder_of(path).to_owned(),
            process: process.map(str::to_owned),
            command: command.to_owned(),
            evidence: Evidence::new(command, path, line),
        });
    }

    /// Where an application is started by this very name.
    pub fn of_app(&self, name: &str) -> Option<Evidence> {
        self.lines.iter().find(|line| names(&line.command, name)).map(|line| line.evidence.clone())
    }

    /// The port in a command of a file that lies in this folder.
    pub fn port(&self, folder: &str) -> Option<(u16, Evidence)> {
        self.lines
            .iter()
            .filter(|line| {
                line.folder == folder && line.process.as_deref().is_none_or(|process| process == "web")
            })
            .find_map(|line| Some((port_in(&line.command)?, line.evidence.clone())))
    }

    /// The process types of the folder's Procfile: type, command, place.
    pub fn processes(&self, folder: &str) -> impl Iterator<Item = (&str, &str, &Evidence)> {
        self.lines
            .iter()
            .filter(move |line| line.folder == folder)
            .filter_map(|line| Some((line.process.as_deref()?, line.command.as_str(), &line.evidence)))
    }
}

/// True where `name` stands in the command as a word of its own.
fn names(command: &str, name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    command.match_indices(name).any(|(at, _)| {
        let before = command[..at].chars().next_back();
        let after = command[at + name.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

/// `--port 8001`, `--port=8001`, `--bind 0.0.0.0:8001`, `-b :8001`, as a line or as a JSON list.
pub(crate) fn port_in(command: &str) -> Option<u16> {
    let plain: String = command.chars().map(|c| if "\"',[]".contains(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().flat_map(|word| word.splitn(2, '=')).collect();
    words.windows(2).find_map(|pair| {
        let value = match pair[0] {
            "--port" | "--server.port" => pair[1],
            "--bind" | "-b" => pair[1].rsplit(':').next()?,
            _ => return None,
        };
        // `${PORT:-8000}` has the port that is meant when nothing else is said.
        let value = value.trim_start_matches("${PORT:-").trim_end_matches('}');
        value.parse().ok().filter(|port| *port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_commands() {
        assert_eq!(port_in("uvicorn a:app --port 8001"), Some(8001));
        assert_eq!(port_in(r#"CMD ["uvicorn", "a:app", "--port", "8002"]"#), Some(8002));
        assert_eq!(port_in("gunicorn -b 0.0.0.0:5000 a:app"), Some(5000));
        assert_eq!(port_in("uvicorn a:app --port=${PORT:-9000}"), Some(9000));
        assert_eq!(port_in("uvicorn a:app --port $PORT"), None);
    }

    #[test]
    fn applications_are_named_as_whole_words() {
        assert!(names("CMD [\"uvicorn\", \"pkg.app:app\"]", "pkg.app:app"));
        assert!(
            !names("uvicorn other.pkg.app:app", "pkg.app:app")
                && !names("pkg.app:application", "pkg.app:app")
        );
    }

    #[test]
    fn own_and_written_files_are_told_apart() {
        assert!(
            is_dockerfile("api.Dockerfile")
                && is_dockerfile("Dockerfile.prod")
                && !is_dockerfile("Dockerfile.dockerignore")
        );
        assert!(
            is_compose("docker-compose.prod.yml")
                && is_compose("compose.yaml")
                && !is_compose("composer.yaml")
        );
        assert!(is_ours("# Written by dashdeploy\nFROM x") && !is_ours("FROM x\nRUN dashdeploy"));
    }
}
