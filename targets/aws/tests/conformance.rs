//! The contract's suite, and what follows from its sample.

use dashdeploy_contract::conformance::paper;

#[test]
fn every_promise_is_kept() {
    let broken = paper(&super::target());
    assert!(broken.is_empty(), "{broken:#?}");
}
