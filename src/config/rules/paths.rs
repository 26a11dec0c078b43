//! Paths: of files in the project, and of places in a container.

use serde_json::json;

use super::{Problem, Rule};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static FILE: Rule = Rule {
    expects: "a path relative to the project",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": RELATIVE }),
    check: |scalar| file(scalar).map(drop),
};

pub(crate) static FOLDER: Rule = Rule {
    expects: "a folder relative to the project",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": RELATIVE }),
    check: |scalar| folder(scalar).map(drop),
};

pub(crate) static MOUNT: Rule = Rule {
    expects: "an absolute path in the container",
    null_hint: None,
    json: || json!({ "type": "string", "pattern": ABSOLUTE }),
    check: |scalar| mount(scalar).map(drop),
};

pub(crate) static PATTERN: Rule = Rule {
    expects: "a pattern of an ignore file",
    null_hint: None,
    json: || json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
    check: |scalar| pattern(scalar).map(drop),
};

const RELATIVE: &str = r"^(?![/~-])(?!.*(^|/)\.\.(/|$))[^\\\x00-\x1f\x7f]+$";
const ABSOLUTE: &str = r"^/(?!.*(^|/)\.\.(/|$))[^\\\x00-\x1f\x7f]+$";

/// What a container cannot do without. Below these, a volume is the user's choice.
const NEEDED: [&str; 16] = [
    "/app",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/run/docker.sock",
    "/run/docker.sock",
];
/// File systems of the kernel: nothing in them can be a volume.
const KERNEL: [&str; 3] = ["/dev/", "/proc/", "/sys/"];

/// A path relative to the project or context, normalised; not the folder itself.
pub(crate) fn file(scalar: &Scalar) -> Result<String, Problem> {
    let path = folder(scalar)?;
    if path == "." {
        return Err(wrong(&scalar.text, "it names the folder itself"));
    }
    Ok(path)
}

/// A path relative to the project or context, normalised: `/`-separated, without `./`; `.` for the folder itself.
pub(crate) fn folder(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    readable(text)?;
    let drive = text.as_bytes().get(1) == Some(&b':') && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if text.starts_with('/') || drive {
        return Err(wrong(text, "it is absolute; write it relative to dashdeploy.yaml"));
    }
    if text.starts_with('~') {
        return Err(wrong(text, "`~` is not expanded; write it relative to dashdeploy.yaml"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(wrong(text, "`..` could leave the project"));
    }
    if text.starts_with('-') || parts.first().is_some_and(|part| part.starts_with('-')) {
        return Err(wrong(text, "it starts with -, as an option does"));
    }
    Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// An absolute path in a container where a volume may be mounted, normalised.
pub(crate) fn mount(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    readable(text)?;
    if !text.starts_with('/') {
        return Err(wrong(text, "it must start with /"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(wrong(text, "`..` is not allowed"));
    }
    let path = format!("/{}", parts.join("/"));
    if path.contains(':') {
        return Err(wrong(text, "`:` separates paths from options in a mount"));
    }
    if path == "/" || NEEDED.contains(&path.as_str()) || KERNEL.iter().any(|kernel| path.starts_with(kernel))
    {
        let problem = Problem::new("forbidden-mount", format!("nothing may be mounted at `{}`", shown(text)));
        let hint = if path == "/app" {
            "the application itself is there; mount below it, or elsewhere and link to it: `build.links`"
        } else {
            "the container needs what is there; use a path of your own, such as `/data`"
        };
        return Err(problem.hint(hint));
    }
    Ok(path)
}

/// A line of an ignore file.
pub(crate) fn pattern(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        let message = format!("`{}` is not a pattern: it must be one line, and not empty", shown(text));
        return Err(Problem::new("invalid-pattern", message));
    }
    Ok(text.clone())
}

fn readable(text: &str) -> Result<(), Problem> {
    let too_long = text.len() > 4095 || text.split('/').any(|part| part.len() > 255);
    if text.is_empty() {
        return Err(wrong(text, "it is empty"));
    }
    if text.contains('\\') {
        return Err(wrong(text, "write / instead of \\"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(text, "it holds a control character or a line end"));
    }
    if text.trim() != text {
        return Err(wrong(text, "it starts or ends with a space"));
    }
    if too_long { Err(wrong(text, "it is longer than Linux allows")) } else { Ok(()) }
}

fn wrong(text: &str, why: &str) -> Problem {
    Problem::new("invalid-path", format!("`{}` cannot be used as a path: {why}", shown(text)))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn paths_are_normalised_and_stay_in_the_project() {
        for (written, path) in [("./a//b/", "a/b"), (".", "."), ("./", "."), ("a b", "a b"), ("é/.x", "é/.x")]
        {
            assert_eq!(folder(&plain(written)).unwrap(), path);
        }
        for bad in [
            "..", "a/../b", "../x", "/etc", "~/x", "C:/x", "a\\b", "a\nb", "-rf", "./-rf", "", " a", "a\u{7}",
        ] {
            assert!(folder(&plain(bad)).is_err(), "{bad:?}");
        }
        assert!(file(&plain("./.")).is_err());
        assert!(folder(&plain(&"a".repeat(256))).is_err());
    }

    #[test]
    fn mounts_spare_what_a_container_needs() {
        assert_eq!(mount(&plain("/data//x/")).unwrap(), "/data/x");
        assert_eq!(mount(&plain("/app/data")).unwrap(), "/app/data");
        for bad in [
            "/",
            "//",
            "/.",
            "/etc",
            "/etc/",
            "/proc/1",
            "/sys/fs",
            "/dev/shm",
            "/var/run/docker.sock",
            "/app",
            "data",
            "/a/..",
            "/a:b",
            "/a\nb",
        ] {
            assert!(mount(&plain(bad)).is_err(), "{bad:?}");
        }
    }
}
