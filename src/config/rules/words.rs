//! Values that are one of a few words.

use dashdeploy_contract::{BuildKind, Ci, LogLevel, Name, NodeManager, Requirement, Writers};
use serde_json::{Value, json};

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::suggest;
use crate::config::yaml::Scalar;

pub(crate) static BOOLEAN: Rule = Rule {
    expects: "true or false",
    null_hint: None,
    json: || json!({ "type": "boolean" }),
    check: |scalar| boolean(scalar).map(drop),
};

pub(crate) static KIND: Rule = Rule {
    expects: "a build kind such as `fastapi`",
    null_hint: None,
    json: || words_json(BuildKind::ALL.map(BuildKind::as_str).as_slice()),
    check: |scalar| kind(scalar).map(drop),
};

pub(crate) static PACKAGES: Rule = Rule {
    expects: "pip, uv, poetry, pyproject or none",
    null_hint: Some("write `packages: none` where there are no dependencies"),
    json: || words_json(&PACKAGE_WORDS.map(|(word, _)| word)),
    check: |scalar| packages(scalar).map(drop),
};

pub(crate) static MANAGER: Rule = Rule {
    expects: "npm, pnpm or yarn",
    null_hint: None,
    json: || words_json(&MANAGER_WORDS.map(|(word, _)| word)),
    check: |scalar| manager(scalar).map(drop),
};

pub(crate) static REQUIREMENT: Rule = Rule {
    expects: "`required` or `optional`",
    null_hint: Some("write `required` or `optional`"),
    json: || words_json(&REQUIREMENT_WORDS.map(|(word, _)| word)),
    check: |scalar| requirement(scalar).map(drop),
};

pub(crate) static WRITERS: Rule = Rule {
    expects: "single or many",
    null_hint: None,
    json: || words_json(&WRITER_WORDS.map(|(word, _)| word)),
    check: |scalar| writers(scalar).map(drop),
};

pub(crate) static LOG_LEVEL: Rule = Rule {
    expects: "debug, info, warning, error or critical",
    null_hint: None,
    json: || words_json(&LogLevel::WORDS.map(|(word, _)| word)),
    check: |scalar| log_level(scalar).map(drop),
};

pub(crate) static CI: Rule = Rule {
    expects: "github, gitlab or false",
    null_hint: Some("write `ci: false` for no pipeline"),
    json: || json!({ "enum": ["github", "gitlab", false] }),
    check: |scalar| ci(scalar).map(drop),
};

pub(crate) static TARGET: Rule = Rule {
    expects: "the name of a target such as `docker`",
    null_hint: None,
    json: || {
        let words: Vec<&str> = ["docker"].into_iter().chain(COMING).collect();
        json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]*$", "examples": words })
    },
    check: |scalar| super::name(scalar).map(drop),
};

/// Platforms that are known by name, whether or not a build has a target for them.
const COMING: [&str; 7] = ["render", "fly", "aws", "azure", "railway", "netlify", "vercel"];

const CI_WORDS: [(&str, Ci); 2] = [("github", Ci::Github), ("gitlab", Ci::Gitlab)];
const PACKAGE_WORDS: [(&str, Packages); 5] = [
    ("pip", Packages::Pip),
    ("uv", Packages::Uv),
    ("poetry", Packages::Poetry),
    ("pyproject", Packages::Pyproject),
    ("none", Packages::None),
];
const MANAGER_WORDS: [(&str, NodeManager); 3] =
    [("npm", NodeManager::Npm), ("pnpm", NodeManager::Pnpm), ("yarn", NodeManager::Yarn)];
const REQUIREMENT_WORDS: [(&str, Requirement); 2] =
    [("required", Requirement::Required), ("optional", Requirement::Optional)];
const WRITER_WORDS: [(&str, Writers); 2] = [("single", Writers::Single), ("many", Writers::Many)];

/// The word under `packages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packages {
    Pip,
    Uv,
    Poetry,
    Pyproject,
    None,
}

/// `true` or `false`, unquoted; no other word that some reader of YAML takes for one.
pub(crate) fn boolean(scalar: &Scalar) -> Result<bool, Problem> {
    let problem = || {
        let message = format!("`{}` is neither true nor false", shown(&scalar.text));
        Problem::new("invalid-boolean", message)
    };
    match (scalar.plain, scalar.text.as_str()) {
        (true, "true") => Ok(true),
        (true, "false") => Ok(false),
        (false, "true" | "false") => Err(problem().hint("write it without quotes")),
        (_, text) if ["yes", "on", "y"].contains(&text.to_lowercase().as_str()) => {
            Err(problem().hint("write `true`"))
        }
        (_, text) if ["no", "off", "n"].contains(&text.to_lowercase().as_str()) => {
            Err(problem().hint("write `false`"))
        }
        _ => Err(problem().hint("write `true` or `false`")),
    }
}

/// A build kind.
pub(crate) fn kind(scalar: &Scalar) -> Result<BuildKind, Problem> {
    one_of(scalar, "a build kind", "unknown-kind", &BuildKind::ALL.map(|kind| (kind.as_str(), kind)))
}

/// Where Python dependencies come from.
pub(crate) fn packages(scalar: &Scalar) -> Result<Packages, Problem> {
    one_of(scalar, "a way to install Python packages", "unknown-word", &PACKAGE_WORDS)
}

/// A package manager of Node.js.
pub(crate) fn manager(scalar: &Scalar) -> Result<NodeManager, Problem> {
    one_of(scalar, "a package manager", "unknown-word", &MANAGER_WORDS)
}

/// How many containers may write to a volume.
pub(crate) fn writers(scalar: &Scalar) -> Result<Writers, Problem> {
    one_of(scalar, "a number of writers", "unknown-word", &WRITER_WORDS)
}

/// How important a message must be to be logged.
pub(crate) fn log_level(scalar: &Scalar) -> Result<LogLevel, Problem> {
    one_of(scalar, "a log level", "unknown-word", &LogLevel::WORDS)
}

/// Whose pipeline is written.
pub(crate) fn ci(scalar: &Scalar) -> Result<Ci, Problem> {
    if scalar.plain && scalar.text == "false" {
        return Ok(Ci::None);
    }
    one_of(scalar, "a provider of pipelines", "unknown-word", &CI_WORDS).map_err(|problem| Problem {
        hint: problem.hint.or(Some("write github, gitlab or false".to_owned())),
        ..problem
    })
}

/// Whether a secret is needed. What else is written there may be the secret itself, so it is not repeated.
pub(crate) fn requirement(scalar: &Scalar) -> Result<Requirement, Problem> {
    let found = REQUIREMENT_WORDS.iter().find(|(word, _)| *word == scalar.text);
    found.map(|(_, requirement)| *requirement).ok_or_else(|| {
        Problem::new(
            "invalid-requirement",
            "a secret must be `required` or `optional`; its value never stands in this file",
        )
        .hint("put the value into the environment or `.env`, and change it if it is real and was committed")
    })
}

/// A target that this build has, or a platform that is known by name.
pub(crate) fn target(scalar: &Scalar, known: &[&str]) -> Result<Name, Problem> {
    let name = super::name(scalar)?;
    let all: Vec<&str> = known.iter().copied().chain(COMING).collect();
    if all.contains(&name.as_str()) {
        return Ok(name);
    }
    let mut problem = Problem::new("unknown-target", format!("`{name}` is not a target"));
    problem.hint = suggest::hint(name.as_str(), &all);
    Err(problem)
}

fn one_of<T: Copy>(
    scalar: &Scalar,
    what: &str,
    code: &'static str,
    words: &[(&'static str, T)],
) -> Result<T, Problem> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == scalar.text) {
        return Ok(*value);
    }
    let mut problem = Problem::new(code, format!("`{}` is not {what}", shown(&scalar.text)));
    problem.hint = suggest::hint(&scalar.text, &words.iter().map(|(word, _)| *word).collect::<Vec<_>>());
    Err(problem)
}

fn words_json(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn only_true_and_false_are_booleans() {
        assert!(boolean(&plain("true")).unwrap());
        for (bad, hint) in
            [("yes", "`true`"), ("NO", "`false`"), ("1", "`true` or `false`"), ("True", "`true` or")]
        {
            assert!(boolean(&plain(bad)).unwrap_err().hint.unwrap().contains(hint), "{bad}");
        }
    }

    #[test]
    fn a_secret_written_for_a_requirement_is_not_repeated() {
        let problem = requirement(&plain("hunter2-hunter2")).unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }

    #[test]
    fn a_pipeline_is_github_s_gitlab_s_or_nobody_s() {
        assert_eq!(ci(&plain("false")).unwrap(), Ci::None);
        assert_eq!(ci(&plain("gitlab")).unwrap(), Ci::Gitlab);
        assert!(ci(&plain("githup")).unwrap_err().hint.unwrap().contains("`github`"));
        for bad in ["true", "none", "jenkins", ""] {
            assert!(ci(&plain(bad)).unwrap_err().hint.is_some(), "{bad}");
        }
        assert!(ci(&Scalar { text: "false".to_owned(), plain: false }).is_err());
    }

    #[test]
    fn near_words_are_suggested() {
        assert_eq!(kind(&plain("fastap")).unwrap_err().hint.unwrap(), "did you mean `fastapi`?");
        assert_eq!(target(&plain("docker"), &["docker"]).unwrap().as_str(), "docker");
        assert_eq!(target(&plain("netlify"), &[]).unwrap().as_str(), "netlify");
        assert_eq!(
            target(&plain("dokcer"), &["docker"]).unwrap_err().hint.unwrap(),
            "did you mean `docker`?"
        );
    }
}
