//! Findings for code-scanning services: SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0), as GitHub reads it.

use dashdeploy_contract::{Finding, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::codes;

/// A log with one run, which holds the findings that have a place.
pub fn sarif(findings: &[Finding], version: &str) -> Value {
    let mut used: Vec<&str> = findings.iter().map(|finding| finding.code.as_ref()).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "dashdeploy", "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let known = codes::explain(code);
    let title = known.map_or(code, |known| known.title);
    json!({
        "id": code,
        "shortDescription": { "text": title },
        "fullDescription": { "text": known.map_or(title, |known| known.text) },
    })
}

fn result(finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let message = match &finding.hint {
        Some(hint) => format!("{}\n\nMend: {hint}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({ "ruleId": finding.code, "level": level, "message": { "text": message } });
    if let Some(place) = &finding.place {
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.file), "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.length },
        }}]);
        // The same finding on another line is the same finding.
        let same = Sha256::digest(format!("{} {} {}", finding.code, place.file, finding.message));
        result["partialFingerprints"] = json!({ "dashdeploy/v1": same.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>() });
    }
    result
}

/// A relative URI reference (RFC 3986, section 3.3): all but unreserved characters and slashes is encoded.
fn uri(path: &str) -> String {
    const ENCODED: AsciiSet =
        NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, &ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_a_relative_reference() {
        assert_eq!(uri("web/src/a b#1?/ä-x_~.ts"), "web/src/a%20b%231%3F/%C3%A4-x_~.ts");
    }
}
