//! Colour, as an addition to words and symbols, never instead of them.

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether a stream takes colour, by the conventions of no-color.org and bixense.com/clicolors.
    pub fn applies(self, terminal: bool, variable: &dyn Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if variable("NO_COLOR").is_some() => false,
            Self::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Self::Auto => terminal && variable("TERM").as_deref() != Some("dumb"),
        }
    }
}

/// Paints words where colour is on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// True where colour is on.
    pub color: bool,
}

impl Style {
    /// Good.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Doubtful.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33;1", text)
    }

    /// Bad.
    pub fn red(self, text: &str) -> String {
        self.paint("31;1", text)
    }

    /// A way out, a path, an address.
    pub fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// Important.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Unimportant.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A colour of its own for the n-th service.
    pub fn nth(self, n: usize, text: &str) -> String {
        const CODES: [&str; 6] = ["36", "33", "32", "35", "34", "31"];
        self.paint(CODES[n % CODES.len()], text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conventions_are_obeyed() {
        let set = |names: &'static [(&str, &str)]| {
            move |name: &str| names.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
        };
        assert!(ColorChoice::Auto.applies(true, &set(&[])));
        assert!(!ColorChoice::Auto.applies(false, &set(&[])));
        assert!(!ColorChoice::Auto.applies(true, &set(&[("NO_COLOR", "")])));
        assert!(!ColorChoice::Auto.applies(true, &set(&[("TERM", "dumb")])));
        assert!(ColorChoice::Auto.applies(false, &set(&[("CLICOLOR_FORCE", "1")])));
        assert!(!ColorChoice::Auto.applies(true, &set(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])));
        assert!(ColorChoice::Always.applies(false, &set(&[("NO_COLOR", "1")])));
    }
}
