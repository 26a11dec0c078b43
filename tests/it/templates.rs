//! Taking built-in templates over, and seeing what an update changed in them.

use crate::support::Project;

const NAME: &str = "nginx/nginx.conf.j2";
const YAML: &str = "project: shop\nservices:\n  web: { build: { kind: static } }\n";

fn project() -> Project {
    let project = Project::empty("templates");
    project.write("dashdeploy.yaml", YAML);
    project
}

#[test]
fn a_template_is_taken_over_once_and_then_counts() {
    let project = project();
    let list = project.run(&["templates", "list", "--json"]).exits(0).json();
    let all = list["result"]["templates"].as_array().unwrap();
    assert!(all.len() >= 8 && all.iter().all(|one| one["yours"] == false), "{list}");
    let shown = project.run(&["templates", "show", NAME]).exits(0).stdout;
    assert!(shown.contains("worker_processes"), "{shown}");

    let ejected = project.run(&["templates", "eject", NAME]).exits(0).stdout;
    assert!(ejected.contains(".dashdeploy/templates/nginx/nginx.conf.j2"), "{ejected}");
    let again = project.run(&["templates", "eject", NAME]).exits(2).stderr;
    assert!(again.contains("--force") && again.contains("--accept"), "{again}");
    project.run(&["render"]).exits(0);
    let before = project.read("deploy/web/nginx.conf");

    let path = format!(".dashdeploy/templates/{NAME}");
    let mine = project.read(&path).replace("keepalive_timeout 65s;", "keepalive_timeout 5s;");
    project.write(&path, &mine);
    project.run(&["render"]).exits(0);
    let after = project.read("deploy/web/nginx.conf");
    assert!(before.contains("keepalive_timeout 65s;") && after.contains("keepalive_timeout 5s;"));
    let diff = project.run(&["templates", "diff", "--mine"]).exits(0).stdout;
    assert!(
        diff.contains("+    keepalive_timeout 5s;") && diff.contains("-    keepalive_timeout 65s;"),
        "{diff}"
    );
    let none = project.run(&["templates", "diff", NAME]).exits(0).stdout;
    assert!(none.contains("Nothing has changed"), "{none}");
}

#[test]
fn what_an_update_changed_is_shown_until_it_is_accepted() {
    let project = project();
    project.run(&["templates", "eject", NAME]).exits(0);
    // An older dashdeploy had another line here.
    let older = format!(".dashdeploy/ejected/{NAME}");
    project.write(&older, &project.read(&older).replace("keepalive_timeout 65s;", "keepalive_timeout 60s;"));

    let render = project.run(&["render"]).exits(0).stderr;
    assert!(render.contains("has changed since you took it over"), "{render}");
    let diff = project.run(&["templates", "diff"]).exits(3).stdout;
    assert!(
        diff.contains("-    keepalive_timeout 60s;") && diff.contains("+    keepalive_timeout 65s;"),
        "{diff}"
    );
    let list = project.run(&["templates", "list"]).exits(0).stdout;
    assert!(list.contains("the built-in one has changed since"), "{list}");

    project.run(&["templates", "eject", NAME, "--accept"]).exits(0);
    project.run(&["templates", "diff"]).exits(0);
    assert!(!project.run(&["render"]).exits(0).stderr.contains("has changed since"));
}

#[test]
fn names_that_are_none_are_said_and_nothing_is_written() {
    let project = project();
    for arguments in [
        &["templates", "show", "nginx.conf"][..],
        &["templates", "eject", NAME, "no/such.j2"],
        &["templates", "diff", "no/such.j2"],
    ] {
        let said = project.run(arguments).exits(2).stderr;
        assert!(said.contains("there is no template") && said.contains("templates list"), "{said}");
    }
    let said = project.run(&["templates", "diff", NAME]).exits(2).stderr;
    assert!(said.contains("is not yours"), "{said}");
    project.run(&["templates", "eject", NAME, "--accept"]).exits(2);
    project.run(&["--dry-run", "templates", "eject", NAME]).exits(0);
    assert!(!project.path().join(".dashdeploy").exists());
}

#[test]
fn a_template_of_the_users_that_leaves_the_header_no_place_is_refused() {
    let project = project();
    project.write(".dashdeploy/templates/vercel/vercel.json.j2", "{ \"a\": 1 }");
    let said = project.run(&["render", "--target", "vercel"]).exits(1).stderr;
    assert!(
        said.contains("vercel/vercel.json.j2: ") && said.contains("$schema") && !said.contains("line 0"),
        "{said}"
    );
    assert!(!project.path().join("vercel.json").exists());
}
