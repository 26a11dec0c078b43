//! The commit that a folder is at, as git tells it.
//!
//! Given: a folder. Gives: its commit, and whether anything below the folder differs from it. Programs that a repository's
//! configuration names (hooks, file system monitors) are not run.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use dashdeploy_contract::GitSource;
use tokio::process::Command;

/// A repository whose state is not known by then is treated as none.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a folder's sources stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The commit, 40 or 64 hex digits.
    pub commit: String,
    /// True where files below the folder were changed, added or removed since.
    pub dirty: bool,
}

impl Revision {
    /// As `org.opencontainers.image.revision` holds it: the commit, with `-dirty` where there is more than the commit.
    pub fn label(&self) -> String {
        if self.dirty { format!("{}-dirty", self.commit) } else { self.commit.clone() }
    }
}

/// The revision of a folder; none where it is in no repository, the repository has no commit, or there is no git.
pub async fn revision(folder: &Path) -> Option<Revision> {
    let commit = git(folder, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
    let changes = git(folder, &["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--", "."]);
    let (commit, changes) = tokio::join!(commit, changes);
    let commit = String::from_utf8(commit?).ok()?.trim().to_owned();
    let is_commit = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then_some(Revision { commit, dirty: !changes?.is_empty() })
}

/// The commit a release is made from: the revision, its branch, and where it was cloned from.
pub async fn source(folder: &Path) -> Option<GitSource> {
    let branch = git(folder, &["symbolic-ref", "--short", "--quiet", "HEAD"]);
    let remote = git(folder, &["remote", "get-url", "origin"]);
    let (revision, branch, remote) = tokio::join!(revision(folder), branch, remote);
    let text = |bytes: Option<Vec<u8>>| {
        let text = String::from_utf8(bytes?).ok()?.trim().to_owned();
        Some(text).filter(|text| !text.is_empty())
    };
    let revision = revision?;
    Some(GitSource {
        commit: revision.commit,
        branch: text(branch),
        remote: text(remote).map(|remote| without_login(&remote)),
        dirty: revision.dirty,
    })
}

/// An address without the user and password that some write into it: `https://token@host/x` is `https://host/x`. The user of
/// ssh is no secret and stays.
fn without_login(remote: &str) -> String {
    match remote.split_once("://") {
        Some((scheme, rest)) if scheme.starts_with("http") => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        _ => remote.to_owned(),
    }
}

async fn git(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.untrackedCache=false",
        ])
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    output.status.success().then_some(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(folder: &Path, arguments: &[&str]) {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        let done =
            std::process::Command::new("git").arg("-C").arg(folder).args(identity).args(arguments).output();
        assert!(done.unwrap().status.success(), "{arguments:?}");
    }

    #[tokio::test]
    async fn a_source_names_branch_and_remote_without_a_login() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        run(path, &["init", "-q", "-b", "trunk"]);
        run(path, &["commit", "-q", "--allow-empty", "-m", "one"]);
        assert_eq!(source(path).await.unwrap().remote, None);
        run(path, &["remote", "add", "origin", "https://me:canary@example.com/acme/shop.git"]);
        let found = source(path).await.unwrap();
        assert_eq!(found.branch.as_deref(), Some("trunk"));
        assert_eq!(found.remote.as_deref(), Some("https://example.com/acme/shop.git"));
        assert_eq!(without_login("git@github.com:acme/shop.git"), "git@github.com:acme/shop.git");
    }

    #[tokio::test]
    async fn a_clean_tree_is_told_from_a_dirty_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        assert_eq!(revision(path).await, None, "no repository");
        run(path, &["init", "-q"]);
        assert_eq!(revision(path).await, None, "no commit");
        std::fs::create_dir_all(path.join("api")).unwrap();
        std::fs::write(path.join("api/a"), "1").unwrap();
        run(path, &["add", "."]);
        run(path, &["commit", "-q", "-m", "one"]);
        let clean = revision(path).await.unwrap();
        assert!(!clean.dirty && clean.label() == clean.commit);
        std::fs::write(path.join("new"), "2").unwrap();
        assert!(revision(path).await.unwrap().label().ends_with("-dirty"));
        assert!(!revision(&path.join("api")).await.unwrap().dirty, "only what is below the folder counts");
        std::fs::write(path.join("api/a"), "3").unwrap();
        assert!(revision(&path.join("api")).await.unwrap().dirty);
    }
}
