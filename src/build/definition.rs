//! What a build is made of: the Dockerfile's text and the ignore rules, from memory or from the disk.

use std::path::{Component, Path, PathBuf};

use super::ignore::IgnoreRules;
use super::{BuildFailure, BuildRequest};
use crate::io::context::{ContextSource, is_folder, read_text};

/// The name under which a Dockerfile travels that has no place of its own in what is sent.
pub(super) const RESERVED: &str = ".dashdeploy.Dockerfile";

/// What a build is made of.
pub(super) struct Definition {
    /// What is sent.
    pub(super) source: ContextSource,
    /// The Dockerfile's path in what is sent.
    pub(super) dockerfile: String,
    /// The Dockerfile as messages name it.
    pub(super) shown: String,
    /// The Dockerfile's text.
    pub(super) text: String,
    /// The ignore file as messages name it; none where there is no ignore file.
    pub(super) ignore_file: Option<String>,
}

impl Definition {
    /// Reads what the request leaves to the disk. Blocks for a few small files.
    pub(super) fn read(request: &BuildRequest) -> Result<Self, Box<BuildFailure>> {
        let fail = |message: String, hint: &str| {
            Box::new(BuildFailure::plain(&request.service, message, Some(hint.to_owned())))
        };
        if !is_folder(&request.context) {
            let message = format!("the context {} is no folder", request.context.display());
            return Err(fail(message, "correct `build.context` in dashdeploy.yaml"));
        }
        let shown = request.dockerfile.display().to_string();
        let text = match &request.dockerfile_text {
            Some(text) => text.clone(),
            None => read_text(&request.dockerfile)
                .map_err(|error| {
                    fail(format!("{shown} cannot be read ({error})"), "make it readable for this user")
                })?
                .ok_or_else(|| {
                    let hint =
                        "run `dashdeploy render` to write it, or correct `dockerfile` in dashdeploy.yaml";
                    fail(format!("there is no Dockerfile at {shown}"), hint)
                })?,
        };
        let (ignore_text, ignore_file) = ignore(request).map_err(|(path, error)| {
            fail(format!("{} cannot be read ({error})", path.display()), "make it readable for this user")
        })?;
        let rules = IgnoreRules::parse(&ignore_text).map_err(|error| {
            let file = ignore_file.as_deref().unwrap_or("the ignore file");
            fail(format!("{file}, {error}"), "correct the pattern")
        })?;
        let dockerfile = place(request, &rules);
        let source = ContextSource { root: request.context.clone(), rules, only: Vec::new() };
        Ok(Self { source, dockerfile, shown, text, ignore_file })
    }

    /// The reference on the Dockerfile's `# syntax=` line.
    pub(super) fn syntax(&self) -> Option<&str> {
        let directives = self.text.lines().map_while(|line| line.trim().strip_prefix('#'));
        let mut pairs = directives.filter_map(|directive| directive.split_once('='));
        pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case("syntax")).map(|(_, value)| value.trim())
    }
}

fn ignore(request: &BuildRequest) -> Result<(String, Option<String>), (PathBuf, std::io::Error)> {
    let mut own = request.dockerfile.clone().into_os_string();
    own.push(".dockerignore");
    let own = PathBuf::from(own);
    if let Some(text) = &request.ignore_text {
        return Ok((text.clone(), Some(own.display().to_string())));
    }
    for path in [own, request.context.join(".dockerignore")] {
        match read_text(&path) {
            Ok(Some(text)) => return Ok((text, Some(path.display().to_string()))),
            Ok(None) => {}
            Err(error) => return Err((path, error)),
        }
    }
    Ok((String::new(), None))
}

/// Its own path where it is part of the context anyway. Otherwise the reserved name, which the rules cannot reach: BuildKit
/// takes the Dockerfile from what is sent.
fn place(request: &BuildRequest, rules: &IgnoreRules) -> String {
    let own = request.dockerfile.strip_prefix(&request.context).ok().and_then(slashed);
    own.filter(|path| rules.sends(path, false)).unwrap_or_else(|| RESERVED.to_owned())
}

fn slashed(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods)]

    use dashdeploy_contract::Name;

    use super::*;

    fn request(dir: &Path, dockerfile: &str) -> BuildRequest {
        std::fs::create_dir_all(dir.join("ctx")).unwrap();
        BuildRequest {
            service: Name::parse("api").unwrap(),
            reference: "p-api:latest".into(),
            context: dir.join("ctx"),
            dockerfile: dir.join(dockerfile),
            dockerfile_text: Some("# a\n# Syntax = x/y:1\nFROM scratch\n# syntax=no\n".into()),
            ignore_text: None,
            args: Default::default(),
            labels: Default::default(),
            target: None,
            secrets: Default::default(),
        }
    }

    #[test]
    fn a_dockerfile_keeps_its_place_unless_it_is_ignored_or_outside() {
        let dir = tempfile::tempdir().unwrap();
        let mut inside = request(dir.path(), "ctx/deploy/Dockerfile");
        assert_eq!(Definition::read(&inside).unwrap().dockerfile, "deploy/Dockerfile");
        inside.ignore_text = Some("deploy".into());
        assert_eq!(Definition::read(&inside).unwrap().dockerfile, RESERVED);
        let outside = request(dir.path(), "elsewhere/Dockerfile");
        let definition = Definition::read(&outside).unwrap();
        assert_eq!(definition.dockerfile, RESERVED);
        assert_eq!(definition.syntax(), Some("x/y:1"));
    }

    #[test]
    fn the_dockerfiles_own_ignore_file_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("ctx/.dockerignore", "a");
        let request = request(dir.path(), "ctx/Dockerfile");
        let sends = |path: &str| Definition::read(&request).unwrap().source.rules.sends(path, false);
        assert!(!sends("a") && sends("b"));
        write("ctx/Dockerfile.dockerignore", "b");
        assert!(sends("a") && !sends("b"));
        write("ctx/Dockerfile.dockerignore", "b\n[");
        let failure = Definition::read(&request).err().unwrap();
        assert!(failure.message.contains("Dockerfile.dockerignore, line 2"), "{}", failure.message);
    }
}
