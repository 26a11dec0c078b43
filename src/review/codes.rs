//! The codes of findings about code, and what each means.
//!
//! Codes are stable: a configuration silences them, a code-scanning service counts by them. Knowingly not seen: names of variables that
//! are put together at run time, routes that are added in a loop or by an extension, paths that are computed, Dockerfiles of the
//! user's own, code in languages other than Python, JavaScript and TypeScript.

/// A code, in one line, and at length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Code {
    /// The word.
    pub code: &'static str,
    /// What it says, in one line.
    pub title: &'static str,
    /// Why it matters, how it is found, and how it is mended.
    pub text: &'static str,
}

/// Told wherever in the tree they are.
pub(super) const ANYWHERE: [&str; 4] =
    ["secret-committed", "tree-too-large", "folder-unreadable", "file-name-unreadable"];
/// Told where a service with a generated Dockerfile is built of that part of the tree.
pub(super) const OF_A_SERVICE: [&str; 8] = [
    "lock-file-not-read",
    "manifest-not-read",
    "manifest-out-of-reach",
    "no-dependencies",
    "no-lock-file",
    "server-not-required",
    "several-lock-files",
    "unreadable-manifest",
];

macro_rules! codes {
    ($($code:literal, $title:literal, $text:literal;)*) => {
        /// All codes, in order.
        pub const ALL: &[Code] = &[$(Code { code: $code, title: $title, text: $text }),*];
    };
}

codes! {
    "code-not-recognised", "the code of a service was not compared",
    "What stands in the service's folder does not look like an application of its kind (a front end without a page, a package without an application object), or like several of them. Nothing is known of what it needs.";
    "data-not-kept", "data is written to a path in no volume",
    "A container's own file system ends with it: the next deploy or restart starts from the image, without what was written. The path was found in a call that writes (open for writing, mkdir, an SQLite address, to_csv and the like), in a settings file, or in the default of a variable. Mount a volume and link the path into it (`build.links`), or set the variable that moves it.";
    "empty-overrides-default", "an empty value takes the place of a default",
    "`X: \"\"` sets X to an empty text. `os.environ.get(\"X\", \"d\")` then gives the empty text and not d. Remove the line, or give a value.";
    "env-file-left-out", "a front end's .env file decides what is built on a laptop only",
    "Bundlers read `.env*` files in the front end's folder silently and build their values into the page. These files stay out of images, so that one laptop's addresses are not deployed. What is to be built in stands under `env:` of the service.";
    "file-name-unreadable", "a file was passed over for its name",
    "The name is not valid UTF-8. Nothing was looked at there.";
    "folder-unreadable", "a folder could not be read",
    "Nothing was looked at there. Mend its permissions, or leave it.";
    "health-guarded", "the health check asks for a login",
    "An endpoint behind authentication answers 401 or 403 to a health check, whether the service works or not. Ask one that is open to everybody.";
    "health-not-checked", "there is a health endpoint that nobody asks",
    "Without a health check a service counts as healthy as soon as its process lives, and a bad version takes the place of a good one.";
    "health-not-found", "the health check asks for a path that the code does not answer",
    "Routes were read from decorators, routers with their prefixes and URL tables. Routes that are added at run time are not seen: silence the finding for the service where that is so.";
    "listens-on-loopback", "the server can be reached from inside its container only",
    "A server that binds 127.0.0.1 or localhost answers nobody outside its own container. Bind 0.0.0.0.";
    "lock-file-not-read", "there is a lock file that builds do not use",
    "The generated Dockerfile cannot read this lock file, so each build may get other versions.";
    "manifest-not-read", "dependencies are named in a file that builds do not read",
    "Nothing of it would be installed. Write a requirements.txt or a pyproject.toml from it.";
    "manifest-out-of-reach", "the manifest lies where the build does not look",
    "Imports start from one folder, the manifest lies in another.";
    "no-dependencies", "nothing names the dependencies",
    "The image would hold the application without the packages it imports.";
    "no-lock-file", "nothing pins the versions of the dependencies",
    "Two builds of the same commit may install different versions, and the second may not work. Make a lock file and commit it.";
    "secret-committed", "a secret stands in a file that Git ships",
    "Whoever has the repository has the secret, in its history too. Take the file out, ignore it, and replace the secret with a new one: the old one is known.";
    "server-not-required", "the server is not among the dependencies",
    "The generated image starts Uvicorn or Gunicorn, which must be installed with the other packages.";
    "several-lock-files", "lock files of several package managers lie side by side",
    "One of them is used, the others mislead. Delete those of the managers that are not used.";
    "tree-too-large", "not all of the tree was looked at",
    "The tree has more files than are listed. Findings may be missing.";
    "unreadable-manifest", "a manifest could not be read",
    "It is not valid and was not used.";
    "variable-left-to-default", "a variable is read that is not declared; its default holds",
    "Told for completeness (`-v` or `--json`): what the application lets be configured.";
    "variable-not-declared", "a variable is read that nothing declares",
    "The code reads it without a default: Python raises an error at that line, a page is built with `undefined`. Reads are found in os.environ, os.getenv, pydantic-settings, decouple, environs, process.env and import.meta.env. Declare it under `env:` or `secrets:` of the service.";
    "variable-not-read", "a variable is declared that nothing reads",
    "Its name stands in no source, settings or script of the service, no loader with a matching prefix was found, and it is no known variable of a library. Often it is one the code knows by another name: the mend says which where that can be told.";
}

/// What a code means; none for a word that is no code.
pub fn explain(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|one| one.code == code)
}
