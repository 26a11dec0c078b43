//! Whom visitors are sent to.

use std::sync::Arc;

use super::*;
use crate::workload::{Exit, Script, Scripted, When as Rules};

/// Scripts by the image's letter: `b` is another page, `c` never healthy, `d` ends.
fn scripted() -> RenderOptions {
    let scripted = Scripted::default();
    let page = Script { page: Some("second".to_owned()), ..Script::default() };
    scripted.rule(Rules::Image(image('b')), page);
    scripted.rule(Rules::Image(image('c')), Script { healthy_after_ms: None, ..Script::default() });
    let exit = Some(Exit { after_ms: 5, code: 1 });
    scripted.rule(Rules::Image(image('d')), Script { exit, ..Script::default() });
    scripted.rule(
        Rules::Image("@abc123".to_owned()),
        Script { page: Some("pages".to_owned()), ..Script::default() },
    );
    RenderOptions {
        limits: false,
        patience: Duration::from_secs(20),
        ..RenderOptions::scripted(Arc::new(scripted))
    }
}

/// The body of the answer to a visitor; the status where nobody answers.
fn visit(rehearsal: &mut Rehearsal, host: &str) -> Result<String, u16> {
    let route = rehearsal.render.serving(host, rehearsal.now).ok_or(404_u16)?;
    let backend = route.backends.first().ok_or(route.without)?;
    let page = backend.runner.page(&backend.job, "/", rehearsal.now);
    if page.status == 200 { Ok(page.body) } else { Err(page.status) }
}

#[test]
fn visitors_see_the_deploy_that_is_live_and_no_other() {
    let mut rehearsal = Rehearsal::with(scripted());
    let (id, _) = rehearsal.made(&web("api"));
    let host = "api.onrender.com";
    assert_eq!(visit(&mut rehearsal, host), Err(502));
    assert_eq!(visit(&mut rehearsal, "other.onrender.com"), Err(404));
    rehearsal.pass(30);
    assert!(visit(&mut rehearsal, host).is_ok_and(|body| body.contains("root")));
    rehearsal.deployed(&id, 'b');
    rehearsal.pass(30);
    assert_eq!(visit(&mut rehearsal, host), Ok("second".to_owned()));
    for (letter, state) in [('c', "update_failed"), ('d', "update_failed")] {
        let deploy = rehearsal.deployed(&id, letter);
        rehearsal.pass(60);
        assert_eq!(rehearsal.state(&id, &deploy), state);
        assert_eq!(visit(&mut rehearsal, host), Ok("second".to_owned()));
    }
    rehearsal.post(&format!("/services/{id}/suspend"), &json!({})).is(202);
    assert_eq!(visit(&mut rehearsal, host), Err(503));
    assert!(rehearsal.render.standing.is_empty(), "what is suspended does not run");
}

#[test]
fn visitors_of_a_site_see_the_pages_of_its_commit() {
    let mut rehearsal = Rehearsal::with(scripted());
    let (id, _) = rehearsal.made(&site("site"));
    rehearsal.post(&format!("/services/{id}/deploys"), &json!({ "commitId": "abc123" })).is(201);
    rehearsal.pass(60);
    assert_eq!(visit(&mut rehearsal, "site.onrender.com"), Ok("pages".to_owned()));
}
