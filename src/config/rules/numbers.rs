//! Numbers: ports, statuses, sizes, shares, versions. They are read from the source text, so nothing is rounded or cut.

use serde_json::{Value, json};

use super::{Problem, Rule, text_like};
use crate::config::report::shown;
use crate::config::yaml::Scalar;

pub(crate) static PORT: Rule = Rule {
    expects: "a port, 1 to 65535",
    null_hint: None,
    json: || json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
    check: |scalar| port(scalar).map(drop),
};

pub(crate) static STATUS: Rule = Rule {
    expects: "an HTTP status, 100 to 599",
    null_hint: None,
    json: || json!({ "type": "integer", "minimum": 100, "maximum": 599 }),
    check: |scalar| status(scalar).map(drop),
};

pub(crate) static REPLICAS: Rule = Rule {
    expects: "a number of copies, 1 to 200",
    null_hint: None,
    json: || json!({ "type": "integer", "minimum": 1, "maximum": 200 }),
    check: |scalar| replicas(scalar).map(drop),
};

pub(crate) static FORMAT: Rule = Rule {
    expects: "1, the only version of this format",
    null_hint: None,
    json: || json!({ "const": 1 }),
    check: |scalar| match integer(scalar, "a version") {
        Ok(1) => Ok(()),
        Ok(_) | Err(_) => {
            let message =
                format!("version `{}` is not known; this dashdeploy reads version 1", shown(&scalar.text));
            Err(Problem::new("unknown-version", message).hint("write `version: 1`, or leave it out"))
        }
    },
};

pub(crate) static SIZE: Rule = Rule {
    expects: "a size such as `1Gi`",
    null_hint: None,
    json: size_json,
    check: |scalar| size(scalar).map(drop),
};

pub(crate) static MEMORY: Rule = Rule {
    expects: "a size such as `512Mi`",
    null_hint: None,
    json: size_json,
    check: |scalar| memory(scalar).map(drop),
};

pub(crate) static CPUS: Rule = Rule {
    expects: "a number of processors such as `0.5`",
    null_hint: None,
    json: || json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1024 }),
    check: |scalar| cpus(scalar).map(drop),
};

pub(crate) static PYTHON: Rule = Rule {
    expects: "a version of Python such as `\"3.11\"`",
    null_hint: None,
    json: || text_like("^3\\.([7-9]|[1-9][0-9])$"),
    check: |scalar| python(scalar).map(drop),
};

pub(crate) static NODE: Rule = Rule {
    expects: "a major version of Node.js such as `\"20\"`",
    null_hint: None,
    json: || text_like("^[1-9][0-9]$"),
    check: |scalar| node(scalar).map(drop),
};

fn size_json() -> Value {
    json!({ "type": "string", "pattern": "^[1-9][0-9]*(Ki|Mi|Gi|Ti|K|M|G|T)$" })
}

/// Docker's least limit of memory (`linuxMinMemory` in the engine's source: 6 MiB).
const LEAST_MEMORY: u64 = 6 << 20;
/// The engine's API carries bytes as signed 64-bit numbers.
const MOST_BYTES: u64 = i64::MAX as u64;

/// Decimal digits without sign, leading zero, separator or exponent.
fn integer(scalar: &Scalar, what: &str) -> Result<u64, Problem> {
    let text = &scalar.text;
    let wrong = |why: &str| Problem::new("invalid-number", format!("`{}` is not {what}: {why}", shown(text)));
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit()) {
        return Err(wrong("only the digits 0-9 are allowed"));
    }
    if !scalar.plain {
        return Err(wrong("it is quoted, and so text").hint(format!("write {text} without quotes")));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(wrong("a leading 0 means base 8 to some readers of YAML"));
    }
    text.parse().map_err(|_| wrong("it is too large"))
}

fn within(scalar: &Scalar, what: &str, least: u16, most: u16) -> Result<u16, Problem> {
    let number = integer(scalar, what)?;
    let wrong = || {
        let message =
            format!("`{}` is not {what}: it must lie between {least} and {most}", shown(&scalar.text));
        Problem::new("invalid-number", message)
    };
    u16::try_from(number).ok().filter(|number| (least..=most).contains(number)).ok_or_else(wrong)
}

/// A TCP port.
pub(crate) fn port(scalar: &Scalar) -> Result<u16, Problem> {
    within(scalar, "a port", 1, 65535)
}

/// An HTTP status.
pub(crate) fn status(scalar: &Scalar) -> Result<u16, Problem> {
    within(scalar, "an HTTP status", 100, 599)
}

/// How many copies run at once.
pub(crate) fn replicas(scalar: &Scalar) -> Result<u32, Problem> {
    within(scalar, "a number of copies", 1, 200).map(u32::from)
}

/// Bytes, written with a unit: powers of 1024 (`Ki`, `Mi`, `Gi`, `Ti`) or of 1000 (`K`, `M`, `G`, `T`).
pub(crate) fn size(scalar: &Scalar) -> Result<u64, Problem> {
    let text = &scalar.text;
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let wrong = |why: &str| Problem::new("invalid-size", format!("`{}` is not a size: {why}", shown(text)));
    let factor: u64 = match unit {
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "" if digits > 0 && !number.starts_with('0') => {
            return Err(wrong("it has no unit").hint(format!(
                "write `{}Mi` or `{}Gi`",
                shown(number),
                shown(number)
            )));
        }
        _ => return Err(wrong("write a whole number and one of Ki, Mi, Gi, Ti, K, M, G, T")),
    };
    if number.is_empty() || number.starts_with('0') {
        return Err(wrong("it must start with a digit from 1 to 9"));
    }
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    bytes.filter(|bytes| *bytes <= MOST_BYTES).ok_or_else(|| wrong("it is larger than any machine"))
}

/// Bytes of memory that a container can be limited to.
pub(crate) fn memory(scalar: &Scalar) -> Result<u64, Problem> {
    let bytes = size(scalar)?;
    if bytes < LEAST_MEMORY {
        let message = format!("`{}` of memory is too little: Docker needs at least 6Mi", shown(&scalar.text));
        return Err(Problem::new("invalid-size", message));
    }
    Ok(bytes)
}

/// Thousandths of a processor.
pub(crate) fn cpus(scalar: &Scalar) -> Result<u32, Problem> {
    let text = &scalar.text;
    let wrong = || {
        let message = format!("`{}` is not a number of processors", shown(text));
        Problem::new("invalid-cpus", message).hint(
            "write a number above 0 and up to 1024 with at most three decimals, such as 0.5, without quotes",
        )
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let leading = whole.len() > 1 && whole.starts_with('0');
    if !scalar.plain
        || !digits(whole)
        || !digits(decimals)
        || decimals.len() > 3
        || whole.len() > 4
        || leading
    {
        return Err(wrong());
    }
    let thousandths = format!("{whole}{decimals:0<3}").parse::<u32>().map_err(|_| wrong())?;
    Some(thousandths).filter(|millis| (1..=1_024_000).contains(millis)).ok_or_else(wrong)
}

/// Python's major and minor version.
pub(crate) fn python(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    let minor = text.strip_prefix("3.").filter(|minor| !minor.starts_with('0'));
    let number = minor.and_then(|minor| minor.parse::<u8>().ok()).filter(|_| !text.contains('+'));
    match number {
        Some(7..=99) => Ok(text.clone()),
        _ => {
            let message = format!("`{}` is not a version of Python", shown(text));
            let patch = minor.and_then(|minor| minor.split_once('.')).map(|(minor, _)| minor);
            let example = patch.filter(|minor| minor.len() < 3).unwrap_or("11");
            Err(Problem::new("invalid-version", message).hint(format!(
                "write major and minor version from 3.7 on, such as `\"3.{}\"`",
                shown(example)
            )))
        }
    }
}

/// Node.js's major version.
pub(crate) fn node(scalar: &Scalar) -> Result<String, Problem> {
    let text = &scalar.text;
    if text.len() == 2 && text.chars().all(|c| c.is_ascii_digit()) && !text.starts_with('0') {
        return Ok(text.clone());
    }
    let message = format!("`{}` is not a major version of Node.js", shown(text));
    let major: String = text.trim_start_matches('v').chars().take_while(char::is_ascii_digit).collect();
    let example = if major.len() == 2 { major.as_str() } else { "20" };
    Err(Problem::new("invalid-version", message)
        .hint(format!("write the major version alone: `\"{example}\"`")))
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn only_plain_decimal_numbers_are_numbers() {
        assert_eq!(port(&plain("65535")).unwrap(), 65535);
        for bad in [
            "0",
            "65536",
            "-1",
            "+1",
            "010",
            "0x50",
            "1e3",
            "1_000",
            "80.0",
            ".inf",
            ".nan",
            "99999999999999999999",
            "８",
        ] {
            assert!(port(&plain(bad)).is_err(), "{bad}");
        }
        assert!(port(&Scalar { text: "80".to_owned(), plain: false }).is_err());
    }

    #[test]
    fn sizes_need_a_unit_and_do_not_overflow() {
        assert_eq!(size(&plain("1Gi")).unwrap(), 1 << 30);
        assert_eq!(size(&plain("3K")).unwrap(), 3000);
        for bad in [
            "0",
            "512",
            "1e9",
            "-1",
            "16Ei",
            "1.5Gi",
            "0Mi",
            "1gi",
            "1 Gi",
            "Gi",
            "",
            "99999999Ti",
            "8388608Ti",
        ] {
            assert!(size(&plain(bad)).is_err(), "{bad}");
        }
        assert!(memory(&plain("5Mi")).is_err());
    }

    #[test]
    fn shares_have_three_decimals_at_most() {
        assert_eq!(cpus(&plain("1")).unwrap(), 1000);
        assert_eq!(cpus(&plain("0.5")).unwrap(), 500);
        assert_eq!(cpus(&plain("0.001")).unwrap(), 1);
        for bad in ["0", "0.0", "0.0001", "-1", "1e3", ".5", "1.", "01", ".inf", ".nan", "99999", ""] {
            assert!(cpus(&plain(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_keep_their_text() {
        assert_eq!(python(&plain("3.10")).unwrap(), "3.10");
        assert_eq!(node(&plain("20")).unwrap(), "20");
        for bad in ["3", "3.1", "2.7", "3.11.4", "3.+9", "3.x", "4.0", "3.010", ""] {
            assert!(python(&plain(bad)).is_err(), "{bad}");
        }
        for bad in ["20.11", "v20", "lts", "8", "020", ""] {
            assert!(node(&plain(bad)).is_err(), "{bad}");
        }
        assert!(python(&plain("3.11.4")).unwrap_err().hint.unwrap().contains("3.11"));
    }
}
