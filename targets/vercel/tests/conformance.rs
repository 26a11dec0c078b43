//! The contract's suite.

use dashdeploy_contract::conformance::{page_host, paper};

#[test]
fn every_promise_is_kept() {
    let mut broken = paper(&super::target());
    broken.extend(page_host(&super::target(), &super::config::HOST));
    assert!(broken.is_empty(), "{broken:#?}");
}
