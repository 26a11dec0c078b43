//! `--dry-run`: every command that can change something at a platform asks, and changes nothing there or here.

use super::render::deployed;

#[test]
fn a_dry_run_of_any_command_writes_nothing() {
    let stage = deployed("render-dry");
    stage.project.replace("dashdeploy.yaml", "LOG: info", "LOG: debug");
    stage.run(&["deploy", "--yes"]).exits(0);
    stage.project.replace("dashdeploy.yaml", "LOG: debug", "LOG: warning");
    stage.project.write("new.env", "KEY=another-value-of-it\n");
    let ledger = stage.project.read(".dashdeploy/ledger/staging.jsonl");
    for arguments in [
        &["plan"][..],
        &["deploy", "--dry-run", "--yes"],
        &["rollback", "r1", "--dry-run", "--yes"],
        &["destroy", "--dry-run", "--yes"],
        &["secrets", "import", "new.env", "--dry-run", "--yes"],
        &["secrets", "unset", "KEY", "--dry-run", "--yes"],
    ] {
        let (before, effects) = (stage.lab.log().len(), stage.lab.effects().len());
        stage.run(arguments).exits(0);
        let writes = stage.lab.log()[before..].iter().filter(|entry| entry.seen.writes).count();
        assert_eq!((writes, stage.lab.effects().len()), (0, effects), "{arguments:?}");
        assert!(stage.lab.log().len() > before, "{arguments:?} asked nothing");
        assert_eq!(stage.project.read(".dashdeploy/ledger/staging.jsonl"), ledger, "{arguments:?}");
    }
    let effects = stage.lab.effects().len();
    let imported = stage.run(&["secrets", "import", "new.env", "--yes"]).exits(0);
    assert!(stage.lab.effects().len() > effects && !imported.all().contains("another-value"));
}
