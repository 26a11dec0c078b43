//! Logins from files, helpers, variables and AWS.

use std::collections::BTreeMap;
use std::path::Path;

use dashdeploy::io::env::Environment;
use dashdeploy::io::logins::{Login, Logins as _, MachineLogins};
use secrecy::ExposeSecret as _;

use super::fake::{Fake, Reply};
use super::{PASSWORD, http};

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// The logins of a process whose home is the folder and whose helpers lie there.
fn logins(home: &Path, own: Option<&str>, set: &[(&str, &str)]) -> MachineLogins {
    let path = format!("{}:/usr/bin:/bin", home.display());
    let mut variables: BTreeMap<String, String> =
        set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.insert("HOME".to_owned(), home.display().to_string());
    variables.insert("PATH".to_owned(), path);
    let environment = Environment { variables, ..Environment::default() };
    MachineLogins::new(&environment, own, http())
}

fn pair(login: Option<Login>) -> Option<(String, String)> {
    login.map(|login| (login.username.clone(), login.password.expose_secret().to_owned()))
}

fn is(user: &str, password: &str) -> Option<(String, String)> {
    Some((user.to_owned(), password.to_owned()))
}

/// A credential helper: notes what it was told, then runs the lines.
fn helper(home: &Path, name: &str, lines: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = home.join(format!("docker-credential-{name}"));
    let noted = home.join("asked");
    let text =
        format!("#!/bin/sh\nread -r server\necho \"$0 $* <$server\" >> {}\n{lines}\n", noted.display());
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn config(home: &Path, json: &str) {
    std::fs::create_dir_all(home.join(".docker")).unwrap();
    std::fs::write(home.join(".docker/config.json"), json).unwrap();
}

#[test]
fn the_first_source_that_knows_the_registry_wins() {
    let home = tempfile::tempdir().unwrap();
    let explicit = [
        ("DASHDEPLOY_REGISTRY_USERNAME", "own"),
        ("DASHDEPLOY_REGISTRY_PASSWORD", "p1"),
        ("GITHUB_TOKEN", "p3"),
    ];
    config(home.path(), r#"{"auths":{"ghcr.io":{"auth":"ZmlsZTpwMg=="}}}"#);
    let known = |own, set: &[(&str, &str)], host| pair(logins(home.path(), own, set).login(host).unwrap());
    assert_eq!(known(Some("ghcr.io/acme"), &explicit, "ghcr.io"), is("own", "p1"));
    assert_eq!(known(Some("quay.io"), &explicit, "ghcr.io"), is("file", "p2"), "another registry's login");
    assert_eq!(known(None, &explicit, "ghcr.io"), is("file", "p2"));
    config(home.path(), "{}");
    assert_eq!(known(None, &explicit, "ghcr.io"), is("token", "p3"));
    assert_eq!(known(None, &explicit, "quay.io"), None);
    let run = home.path().join("run");
    std::fs::create_dir_all(run.join("containers")).unwrap();
    std::fs::write(run.join("containers/auth.json"), r#"{"auths":{"quay.io":{"auth":"cG9kOnA0"}}}"#).unwrap();
    let set = [("XDG_RUNTIME_DIR", run.to_str().unwrap())];
    assert_eq!(known(None, &set, "quay.io"), is("pod", "p4"), "podman's file");
    let error = logins(home.path(), Some("ghcr.io/a"), &explicit[..1]).login("ghcr.io").unwrap_err();
    assert!(error.contains("DASHDEPLOY_REGISTRY_PASSWORD is not"), "{error}");
}

#[test]
fn helpers_are_asked_on_standard_input_and_once() {
    let home = tempfile::tempdir().unwrap();
    let answer = format!(r#"echo '{{"ServerURL":"x","Username":"me","Secret":"{PASSWORD}"}}'"#);
    helper(home.path(), "one", &answer);
    helper(home.path(), "store", r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"idt"}'"#);
    config(
        home.path(),
        r#"{"credsStore":"store","credHelpers":{"127.0.0.1:5000":"one"},"auths":{"quay.io":{}}}"#,
    );
    let logins = logins(home.path(), None, &[]);
    for _ in 0..2 {
        assert_eq!(pair(logins.login("127.0.0.1:5000").unwrap()), is("me", PASSWORD));
    }
    let hub = logins.login("docker.io").unwrap().unwrap();
    assert!(hub.is_identity_token() && logins.login("https://index.docker.io/v1/").unwrap().is_some());
    let asked = std::fs::read_to_string(home.path().join("asked")).unwrap();
    let lines: Vec<&str> = asked.lines().map(|line| line.rsplit_once('/').map_or(line, |_| line)).collect();
    assert_eq!(lines.len(), 2, "each once: {asked}");
    assert!(lines[0].ends_with("docker-credential-one get <127.0.0.1:5000"), "{asked}");
    assert!(lines[1].ends_with("docker-credential-store get <https://index.docker.io/v1/"), "{asked}");
    assert!(!format!("{logins:?} {hub:?}").contains("idt"), "{logins:?} {hub:?}");
}

#[test]
fn a_broken_source_is_named_and_an_ignorant_one_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    helper(home.path(), "ignorant", "echo 'credentials not found in native keychain'; exit 1");
    config(home.path(), r#"{"credsStore":"ignorant","auths":{"quay.io":{"auth":"dTpw"}}}"#);
    let ask = |host| logins(home.path(), None, &[]).login(host);
    assert_eq!(pair(ask("quay.io").unwrap()), is("u", "p"), "the file is looked at after the store");
    assert_eq!(pair(ask("ghcr.io").unwrap()), None);
    helper(home.path(), "broken", "echo 'the keychain is locked' >&2; exit 1");
    helper(home.path(), "mad", &format!("echo '{{\"Secret\": \"{PASSWORD}\"'"));
    helper(home.path(), "leaky", &format!("echo '{{\"Secret\": \"{PASSWORD}\"}}'; exit 1"));
    for (name, word) in [
        ("broken", "the keychain is locked"),
        ("mad", "does not answer with a login"),
        ("leaky", "gives no reason"),
        ("missing", "not on PATH"),
        ("../../bin/sh", "no program's name"),
    ] {
        config(home.path(), &format!(r#"{{"credHelpers":{{"quay.io":"{name}"}}}}"#));
        let error = ask("quay.io").unwrap_err();
        assert!(error.contains(word) && !error.contains(PASSWORD), "{name}: {error}");
        assert!(error.contains(name) || error.contains("docker-credential"), "{error}");
        assert_eq!(pair(ask("ghcr.io").unwrap()), None, "another registry is not concerned");
    }
    config(home.path(), &format!(r#"{{"auths":{{"quay.io":{{"auth":"{PASSWORD}"}}}}, oops"#));
    let error = ask("quay.io").unwrap_err();
    assert!(
        error.contains("config.json") && error.contains("line 1") && !error.contains(PASSWORD),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn amazon_gives_a_password_for_a_signed_request() {
    let home = tempfile::tempdir().unwrap();
    let fake = Fake::start(|asked| {
        let signed = asked.header("authorization").unwrap_or_default();
        let good = signed.starts_with("AWS4-HMAC-SHA256 Credential=AKID/")
            && signed.contains("/eu-west-1/ecr/aws4_request");
        if !good
            || asked.header("x-amz-target")
                != Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
        {
            return Reply::json(
                400,
                r#"{"__type":"UnrecognizedClientException","message":"The token is invalid."}"#,
            );
        }
        // AWS:from-amazon
        Reply::json(
            200,
            r#"{"authorizationData":[{"authorizationToken":"QVdTOmZyb20tYW1hem9u","expiresAt":1}]}"#,
        )
    });
    let endpoint = format!("http://{}/", fake.host());
    let set = [
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", PASSWORD),
        ("AWS_ENDPOINT_URL_ECR", endpoint.as_str()),
    ];
    let known = logins(home.path(), None, &set);
    assert_eq!(pair(known.login(ECR).unwrap()), is("AWS", "from-amazon"));
    assert_eq!(pair(known.login("ghcr.io").unwrap()), None);
    let asked = &fake.asked()[0];
    assert_eq!((asked.method.as_str(), &asked.body[..]), ("POST", &b"{}"[..]));
    assert!(!format!("{asked:?}").contains(PASSWORD), "the key signs and is not sent");
    let other = ECR.replace("eu-west-1", "us-east-1");
    let error = logins(home.path(), None, &set).login(&other).unwrap_err();
    for word in ["AWS gives no password", "UnrecognizedClientException", "AWS_ACCESS_KEY_ID"] {
        assert!(error.contains(word) && !error.contains(PASSWORD), "{error}");
    }
    assert_eq!(pair(logins(home.path(), None, &set[1..]).login(ECR).unwrap()), None, "no key, no request");
}
