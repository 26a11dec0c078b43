//! From what BuildKit says of a failure to what happened and what mends it.
//!
//! BuildKit's wording differs between the versions that engines carry (0.8 in Engine 20.10, 0.1x since 23): each rule knows
//! both forms.

use dashdeploy_contract::Name;
use regex::Regex;

use super::BuildFailure;
use super::definition::{Definition, RESERVED};
use super::progress::FailedStep;
use super::step::brief;
use crate::io::logins::mend;
use crate::io::registry::Repository;

/// What BuildKit puts before the matter itself.
const PREFIXES: [&str; 9] = [
    "failed to solve with frontend dockerfile.v0: ",
    "failed to solve: ",
    "rpc error: code = Unknown desc = ",
    "failed to build LLB: ",
    "failed to create LLB definition: ",
    "failed to read dockerfile: ",
    "error from sender: ",
    "Unknown: ",
    "error building at step ",
];

/// Words in the output of a failed step (or in BuildKit's own message), and the mend. The first that fits is given.
const KNOWN: &[(&str, &str)] = &[
    (
        r"npm ci` can only install packages|npm error code EUSAGE|npm ERR! code EUSAGE",
        "package.json and package-lock.json are out of step: run `npm install --package-lock-only` beside them and commit the \
         lock file",
    ),
    (
        r"ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_NO_LOCKFILE",
        "package.json and pnpm-lock.yaml are out of step: run `pnpm install --lockfile-only` and commit the lock file",
    ),
    (
        r"Your lockfile needs to be updated",
        "package.json and yarn.lock are out of step: run `yarn install` and commit the lock file",
    ),
    (
        r"poetry\.lock (was|is not)|significantly since poetry\.lock",
        "pyproject.toml and poetry.lock are out of step: run `poetry lock` and commit the lock file",
    ),
    (
        r"The lockfile at `uv\.lock` needs to be updated|Unable to find lockfile at `uv\.lock`",
        "pyproject.toml and uv.lock are out of step: run `uv lock` and commit the lock file",
    ),
    (
        r"no space left on device|ENOSPC|No space left on device",
        "the engine's disk is full: `docker system df` shows what takes the room, `docker builder prune` frees old build results",
    ),
    (
        r"Temporary failure in name resolution|Temporary failure resolving|EAI_AGAIN|ENOTFOUND|Could not resolve host|NewConnectionError|ECONNREFUSED|ETIMEDOUT",
        "the step could not reach the network: check the engine's DNS and proxy settings (`docker info`), then build again",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies|No solution found when resolving",
        "the requirements contradict each other: loosen one of the versions named above",
    ),
    (
        r"requires a different Python|Requires-Python|requires Python",
        "a package needs another Python: set `python` of this service in dashdeploy.yaml, or pin a version of the package that \
         supports this one",
    ),
    (
        r"No matching distribution found|Could not find a version that satisfies",
        "a requirement names a package or version that does not exist for this Python: correct it in the requirements",
    ),
    (
        r"Failed building wheel|error: command '?(gcc|cc|g\+\+)'? failed|command 'gcc'|pg_config executable not found",
        "a package has to be compiled and the image has no compiler: choose a version that comes as a wheel for this Python, or \
         use your own Dockerfile (`kind: dockerfile`)",
    ),
    (
        r"JavaScript heap out of memory|exit code: 137|signal: killed",
        "the step ran out of memory: give the engine more, or set NODE_OPTIONS=--max-old-space-size for the build",
    ),
    (
        r"error TS\d+|Rollup failed to resolve import|\[vite\]: .*failed|Build failed with \d+ error",
        "the front end does not compile: correct what is named above; its build script shows the same on this machine",
    ),
    (
        r#"(?i)missing script: |Missing script"#,
        "package.json has no such script: set `script` of this service in dashdeploy.yaml",
    ),
    (
        r"exec format error",
        "the engine cannot run programs of that processor: install QEMU's emulation \
         (https://docs.docker.com/build/building/multi-platform/), or leave `--platform` out",
    ),
    (
        r"(?i)unknown instruction|unknown flag|dockerfile parse error",
        "correct the Dockerfile; an instruction or flag that is newer than the engine needs a newer engine",
    ),
    (
        r"target stage .* could not be found",
        "correct `stage` in dashdeploy.yaml: it is a name after `AS` in the Dockerfile",
    ),
    (
        r"connection to the engine broke|without a result",
        "run `dashdeploy doctor`; the engine's log says why it ended (`journalctl -u docker`)",
    ),
];

/// What happened, and what mends it.
pub(super) fn explain(
    service: &Name,
    definition: &Definition,
    failed: Option<&FailedStep>,
    said: &str,
) -> BuildFailure {
    let named = said.replace(&definition.dockerfile, &definition.shown).replace(RESERVED, &definition.shown);
    let cause = strip(&named).to_owned();
    let exit_code = failed.and_then(|step| exit_code(&step.error)).or_else(|| exit_code(&cause));
    let failure =
        Cause { definition, step: failed.map(|step| step.name.as_str()).unwrap_or_default(), text: &cause };
    let own = failed.filter(|step| !step.name.starts_with("[internal]"));
    let instruction = own.map(|step| instruction(&step.name).to_owned());
    let log = failed.map(|step| step.log.clone()).unwrap_or_default();
    let message = match (&instruction, exit_code) {
        (Some(instruction), Some(code)) => {
            format!("`{}` ended with exit code {code}", brief(instruction))
        }
        _ => failure.message(),
    };
    let hint = failure.hint(&log);
    BuildFailure {
        service: service.clone(),
        step: failed.map(|step| step.name.clone()),
        instruction,
        exit_code,
        log,
        message,
        hint,
        refused: Vec::new(),
        stopped: Vec::new(),
    }
}

fn strip(message: &str) -> &str {
    let mut rest = message.trim();
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter.trim();
    }
    rest
}

/// `[build 3/6] RUN npm ci` without its place.
fn instruction(step: &str) -> &str {
    match step.split_once("] ") {
        Some((place, rest)) if place.starts_with('[') => rest,
        _ => step,
    }
}

fn exit_code(text: &str) -> Option<i32> {
    let found = Regex::new(r"exit (?:code: |status )(\d+)").ok()?;
    found.captures(text)?.get(1)?.as_str().parse().ok()
}

/// What BuildKit says, and where.
struct Cause<'a> {
    definition: &'a Definition,
    step: &'a str,
    text: &'a str,
}

impl Cause<'_> {
    fn message(&self) -> String {
        match (missing_source(self.text), self.unavailable_image()) {
            (Some(path), _) => format!("the Dockerfile copies `{path}`, and the context has no such file"),
            (None, Some(image)) if self.is_syntax(&image) => {
                format!(
                    "`# syntax=` names the image {image}, and it cannot be fetched: {}",
                    last_part(self.text)
                )
            }
            (None, Some(image)) => {
                format!("the base image {image} cannot be fetched: {}", last_part(self.text))
            }
            (None, None) => self.text.to_owned(),
        }
    }

    fn hint(&self, log: &[String]) -> Option<String> {
        if let Some(path) = missing_source(self.text) {
            return Some(missing_source_hint(self.definition, &path));
        }
        if let Some(image) = self.unavailable_image() {
            return Some(self.unavailable_image_hint(&image));
        }
        let text = format!("{}\n{}", log.join("\n"), self.text);
        let known =
            KNOWN.iter().find(|(words, _)| Regex::new(words).is_ok_and(|words| words.is_match(&text)));
        known.map(|(_, mend)| (*mend).to_owned())
    }

    /// The image that a registry did not give: the step names it, or the message does.
    fn unavailable_image(&self) -> Option<String> {
        let reasons = Regex::new(
            r"failed to do request|pull access denied|failed to authorize|failed to resolve source metadata|failed to fetch (anonymous|oauth) token|toomanyrequests|unexpected status|failed with status code|: not found$|no match for platform",
        );
        if !reasons.ok()?.is_match(self.text) {
            return None;
        }
        let step =
            Regex::new(r"(?:load metadata for |resolve image config for |\] FROM )(?:docker-image://)?(\S+)")
                .ok()?;
        let text = Regex::new(r"(?:^|[ :])((?:[a-z0-9.-]+\.[a-z]+(?::\d+)?|localhost(?::\d+)?|[0-9.]+:\d+)/[a-z0-9._/-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?)(?::|$)").ok()?;
        let found = step.captures(self.step).or_else(|| text.captures(self.text))?;
        Some(found.get(1)?.as_str().to_owned())
    }

    fn unavailable_image_hint(&self, image: &str) -> String {
        let short = image.trim_start_matches("docker.io/").trim_start_matches("library/");
        let text = self.text;
        if self.is_syntax(image) {
            let file = &self.definition.shown;
            return format!(
                "remove the line `# syntax=…` from {file}, or give the engine access to that registry"
            );
        }
        if text.contains("no match for platform") {
            return "the base image does not exist for that platform: choose another base image or platform"
                .to_owned();
        }
        if text.contains("toomanyrequests") {
            return format!(
                "the registry's rate limit is reached: `docker login`, wait, or `docker pull {short}` later"
            );
        }
        if text.contains("failed to do request") || text.contains("no such host") {
            return format!(
                "the registry cannot be reached: check the engine's network and proxy, then try `docker pull {short}`"
            );
        }
        let host = Repository::of_image(short).host;
        format!(
            "check the image's name and tag; for a private registry: {}; an image that `docker pull {short}` has fetched is used \
             without asking",
            mend(&host)
        )
    }

    fn is_syntax(&self, image: &str) -> bool {
        self.definition.syntax().is_some_and(|syntax| same_image(syntax, image))
    }
}

/// The path that a COPY or ADD names and the context lacks.
fn missing_source(cause: &str) -> Option<String> {
    let forms = [
        r#"failed to compute cache key: (?:failed to walk .*: )?"?/?([^":]+)"?: not found"#,
        r#"failed to compute cache key: "?/?([^":]+)"? not found"#,
        r#"failed to calculate checksum of ref [^"]*: "?/?([^":]+)"?: not found"#,
        r#"(?:lstat|stat) (?:/var/lib/docker/tmp/buildkit-mount\d+|/var/lib/docker/[^ ]*?/mount\d+)/([^:]+): no such file or directory"#,
    ];
    forms.iter().find_map(|form| {
        let found = Regex::new(form).ok()?;
        Some(found.captures(cause)?.get(1)?.as_str().to_owned())
    })
}

fn missing_source_hint(definition: &Definition, path: &str) -> String {
    let context = definition.source.root.display();
    match &definition.ignore_file {
        Some(file) if !definition.source.rules.sends(path, false) => {
            format!(
                "{file} leaves it out: remove the pattern that matches it, or add the line `!{path}` after it"
            )
        }
        _ => format!("create the file below {context}, or correct the path in {}", definition.shown),
    }
}

fn same_image(syntax: &str, image: &str) -> bool {
    let bare = |name: &str| {
        name.trim_start_matches("docker.io/").split(['@', ':']).next().unwrap_or_default().to_owned()
    };
    bare(syntax) == bare(image)
}

/// The innermost cause of a chain that is joined by `: `.
fn last_part(cause: &str) -> &str {
    cause.rsplit(": ").next().unwrap_or(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::ignore::IgnoreRules;
    use crate::io::context::ContextSource;

    fn explained(text: &str, step: Option<(&str, &str, &[&str])>, said: &str) -> BuildFailure {
        let definition = Definition {
            source: ContextSource {
                root: "/p".into(),
                rules: IgnoreRules::parse("hidden").unwrap(),
                only: Vec::new(),
            },
            dockerfile: ".dashdeploy.Dockerfile".into(),
            shown: "/p/Dockerfile".into(),
            text: text.into(),
            ignore_file: Some("/p/.dockerignore".into()),
        };
        let failed = step.map(|(name, error, log)| FailedStep {
            name: name.into(),
            error: error.into(),
            log: log.iter().map(|line| (*line).to_owned()).collect(),
        });
        explain(&Name::parse("api").unwrap(), &definition, failed.as_ref(), said)
    }

    #[test]
    fn both_forms_of_buildkit_are_understood() {
        for said in [
            "failed to solve with frontend dockerfile.v0: failed to build LLB: executor failed running [/bin/sh -c npm ci]: exit code: 1",
            "failed to solve: process \"/bin/sh -c npm ci\" did not complete successfully: exit code: 1",
        ] {
            let failure =
                explained("", Some(("[build 3/6] RUN npm ci", said, &["npm error code EUSAGE"])), said);
            assert_eq!(failure.message, "`RUN npm ci` ended with exit code 1");
            assert!(failure.hint.unwrap().contains("--package-lock-only"));
        }
        for said in [
            "failed to solve with frontend dockerfile.v0: failed to build LLB: failed to compute cache key: \"/hidden\" not found: not found",
            "failed to solve: failed to compute cache key: failed to calculate checksum of ref a1::b2: \"/hidden\": not found",
        ] {
            let failure = explained("", Some(("[2/2] COPY hidden /", said, &[])), said);
            assert_eq!(failure.message, "the Dockerfile copies `hidden`, and the context has no such file");
            assert!(failure.hint.unwrap().contains("!hidden"));
        }
        for said in [
            "failed to solve: python:9: failed to resolve source metadata for docker.io/library/python:9: docker.io/library/python:9: not found",
            "docker.io/library/python:9: not found",
        ] {
            let step = ("[internal] load metadata for docker.io/library/python:9", said, &[][..]);
            let failure = explained("", Some(step), said);
            assert!(
                failure.message.starts_with("the base image docker.io/library/python:9 cannot"),
                "{failure:?}"
            );
            assert!(failure.hint.unwrap().contains("`docker pull python:9`"));
            assert_eq!(failure.instruction, None);
        }
    }

    #[test]
    fn a_continued_instruction_is_shown_on_one_line() {
        let said = "process did not complete successfully: exit code: 2";
        let failure = explained(
            "",
            Some(("[2/2] RUN a &&     b", said, &["src/App.tsx(8,25): error TS2528: x"])),
            said,
        );
        assert_eq!(failure.message, "`RUN a && b` ended with exit code 2");
        assert!(failure.hint.unwrap().contains("does not compile"));
    }

    #[test]
    fn the_reserved_name_is_never_shown() {
        let said = "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error on line 2 \
                    of .dashdeploy.Dockerfile: unknown instruction: RUNN";
        let failure = explained("", None, said);
        assert!(
            failure.message.contains("/p/Dockerfile") && !failure.message.contains(".dashdeploy"),
            "{failure:?}"
        );
    }

    #[test]
    fn every_rule_is_a_regular_expression() {
        for (words, _) in KNOWN {
            Regex::new(words).unwrap();
        }
    }
}
