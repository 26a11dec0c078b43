//! Everything that is rendered: snapshots, and beside each the program that really reads the file.

mod projects;

use dashdeploy::render::{Inputs, render};

#[test]
fn dump() {
    let project = projects::dashboard();
    let inputs = Inputs { local: projects::wiring(&project), ..Inputs::default() };
    let dir = std::path::Path::new("/tmp/dd-render-dump");
    let _ = std::fs::remove_dir_all(dir);
    for file in render(&project, &inputs).unwrap() {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.contents).unwrap();
    }
}
