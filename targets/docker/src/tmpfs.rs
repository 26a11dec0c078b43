//! Options of folders in memory, in one form.
//!
//! Given: what ourselves, Compose or a user wrote. Gives: the options that hold in the end, so that `size=64m` and
//! `rw,noexec,nosuid,nodev,size=67108864,mode=1777` are the same. The engine's defaults are noexec, nosuid, nodev (moby
//! `daemon/oci_linux.go`), the kernel's are rw and mode 1777.

use std::collections::BTreeMap;

/// The options that hold, sorted.
pub(crate) fn normal(options: &str) -> String {
    let mut flags = BTreeMap::from([("exec", false), ("suid", false), ("dev", false), ("write", true)]);
    let mut values = BTreeMap::from([("mode".to_owned(), "1777".to_owned())]);
    for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
        match option {
            "exec" | "suid" | "dev" => drop(flags.insert(option, true)),
            "noexec" | "nosuid" | "nodev" => drop(flags.insert(&option[2..], false)),
            "rw" => drop(flags.insert("write", true)),
            "ro" => drop(flags.insert("write", false)),
            _ => {
                let (key, value) = option.split_once('=').unwrap_or((option, ""));
                values.insert(key.to_owned(), value_of(key, value));
            }
        }
    }
    let flags = flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag.to_owned());
    let values = values.into_iter().map(|(key, value)| format!("{key}={value}"));
    flags.chain(values).collect::<Vec<_>>().join(",")
}

fn value_of(key: &str, value: &str) -> String {
    match key {
        "size" => bytes(value).map_or_else(|| value.to_owned(), |size| size.to_string()),
        "mode" => value.trim_start_matches('0').to_owned(),
        _ => value.to_owned(),
    }
}

fn bytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match size[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_folders_look_equal_however_they_are_written() {
        let ours = normal("rw,noexec,nosuid,nodev,size=67108864,mode=1777");
        for same in ["size=64m", "size=65536k,mode=01777", "noexec,nosuid,size=64M", "size=67108864"] {
            assert_eq!(normal(same), ours, "{same}");
        }
        for other in ["size=64m,exec", "size=64m,mode=755", "size=32m", "", "size=64m,ro"] {
            assert_ne!(normal(other), ours, "{other}");
        }
    }
}
