//! A registry whose connection breaks while a layer is sent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::{Pushed, RealRegistry, registrys_own};
use crate::support::engine;

/// Bytes of a layer that come through before the connection is cut.
const THROUGH: usize = 256 << 10;

/// Hands everything on to a port, but cuts the first connection on which that much of a layer was sent.
fn cutting(upstream: u16) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, cuts) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&cuts);
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(("127.0.0.1", upstream)) else { continue };
            let (back, to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
            std::thread::spawn(move || hand_on(back, to, None));
            let cuts = Arc::clone(&counted);
            std::thread::spawn(move || hand_on(near, far, Some(cuts)));
        }
    });
    (port, cuts)
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, cuts: Option<Arc<AtomicUsize>>) {
    let (mut buffer, mut sent, mut layer) = ([0; 16 << 10], 0, false);
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 {
            break;
        }
        layer = layer || buffer[..count].windows(6).any(|word| word == b"PATCH ");
        sent += if layer { count } else { 0 };
        let cut = cuts.as_ref().filter(|cuts| sent > THROUGH && cuts.load(Ordering::SeqCst) == 0);
        if let Some(cuts) = cut {
            cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn a_transfer_that_is_cut_is_completed() {
    if !engine("cut") {
        return;
    }
    let Some(registry) = RealRegistry::start("cut", false) else { return };
    let (port, cuts) = cutting(registry.port);
    let pushed = Pushed::at("cut", &format!("127.0.0.1:{port}"));
    let mut noise = vec![0; 4 << 20];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut noise).unwrap();
    std::fs::write(pushed.project.path().join("api/data"), noise).unwrap();
    pushed.project.run(&["build", "api"]).exits(0);
    let ran = pushed.project.run(&["push", "api", "--json"]).exits(0);
    assert_eq!(cuts.load(Ordering::SeqCst), 1, "the connection was cut");
    let image = &ran.json()["result"]["images"][0];
    let own = registrys_own(&registry, &pushed.repository("api"), &pushed.id("api").content_tag());
    assert_eq!((&image["existed"], &image["digest"]), (&Value::Bool(false), &Value::from(own)));
    assert!(image["bytes"].as_u64().unwrap() >= 4 << 20, "{image}");
}
