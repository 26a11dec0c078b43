//! The contract's suite.

use dashdeploy_contract::conformance::paper;

#[test]
fn every_promise_is_kept() {
    let broken = paper(&super::target());
    assert!(broken.is_empty(), "{broken:#?}");
}
