#[test]
fn scratch() {
    let Ok(root) = std::env::var("DETECT_TREE") else { return };
    let start = std::time::Instant::now();
    let tree = dashdeploy::io::tree::DiskTree::open(std::path::Path::new(&root)).unwrap();
    let listed = start.elapsed();
    let d = dashdeploy::detect::detect(&tree);
    eprintln!("listed {listed:?} total {:?}", start.elapsed());
    let text = dashdeploy::detect::yaml::write(&d);
    println!("{text}");
    for n in &d.notes {
        println!(
            "{} {:?} {} [{}] mend: {}",
            if n.warning { "WARN" } else { "note" },
            n.service,
            n.message,
            n.evidence.as_ref().map(|e| e.place()).unwrap_or_default(),
            n.mend.clone().unwrap_or_default()
        );
    }
    for s in &d.services {
        println!("== {} {:?}", s.name, s.role);
        for f in &s.facts {
            println!(
                "   {:?}: {} -- {}",
                f.topic,
                f.conclusion,
                f.evidence.as_ref().map(|e| format!("{} `{}`", e.place(), e.what)).unwrap_or_default()
            );
        }
        for r in &s.rejected {
            println!("   REJ {} : {} {}", r.candidate, r.reason, r.evidence.place());
        }
    }
    for r in &d.rejected {
        println!("REJ {} : {} {}", r.candidate, r.reason, r.evidence.place());
    }
    for q in dashdeploy::detect::questions(&d) {
        println!("Q {q:?}");
    }
    let parsed = dashdeploy::config::parse("dashdeploy.yaml", text.as_bytes(), &["docker"]);
    for f in &parsed.findings {
        println!("FINDING {f:?}");
    }
}
