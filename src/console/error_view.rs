//! Why a command failed, as text or as the last JSON line.

use dashdeploy_contract::Finding;
use serde_json::{Value, json};

use super::{Style, finding_text, safe};

/// A failure, ready to be told.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// A stable word of the form `port-taken`.
    pub code: String,
    /// What failed, in one sentence without a full stop.
    pub message: String,
    /// What shows why: the platform's reason, the last log lines, a failing step's output.
    pub evidence: Vec<String>,
    /// Edits or commands that mend it.
    pub hints: Vec<String>,
    /// Findings that are the reason.
    pub findings: Vec<Finding>,
    /// The exit code the process ends with.
    pub exit_code: u8,
}

impl Report {
    pub(super) fn json(&self) -> Value {
        json!({
            "type": "error", "ok": false, "code": self.code, "message": self.message, "evidence": self.evidence,
            "hints": self.hints, "findings": self.findings, "exit_code": self.exit_code,
        })
    }

    pub(super) fn text(&self, style: Style) -> String {
        let mut lines: Vec<String> = self.findings.iter().map(|f| finding_text(f, style) + "\n").collect();
        lines.push(format!("{}: {}", style.red("error"), safe(&self.message)));
        lines.extend(self.evidence.iter().map(|line| format!("  {} {}", style.dim("│"), safe(line))));
        lines.extend(self.hints.iter().map(|hint| format!("{}: {}", style.cyan("hint"), safe(hint))));
        lines.join("\n")
    }
}
