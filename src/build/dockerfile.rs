//! What a Dockerfile takes from outside: the images it begins with, the paths of the context that it copies, and whether it
//! fetches anything whose content only BuildKit can know.
//!
//! Given: a Dockerfile's text and the build arguments. Gives: [`Needs`], never less than what is needed: where a word cannot
//! be told, everything is. Deliberately absent: building, and judging the text; BuildKit does both.

use indexmap::IndexMap;
use parse_dockerfile::{Flag, Instruction, Source};

/// What is taken from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Needs {
    /// References of images, each once, in the order of their mention; none where one of them cannot be told, or something
    /// is fetched from an address.
    pub(super) images: Option<Vec<String>>,
    /// Paths of the context, with what is below them; none for all of it.
    pub(super) paths: Option<Vec<String>>,
}

impl Needs {
    /// Reads them out of a Dockerfile.
    pub(super) fn of(text: &str, args: &IndexMap<String, String>) -> Self {
        let Ok(parsed) = parse_dockerfile::parse(text) else {
            return Self::default();
        };
        let defaults = parsed.global_args().map(|arg| arg.arguments.value.as_ref());
        let mut reading = Reading { known: known(defaults, args), ..Reading::default() };
        for instruction in &parsed.instructions {
            reading.take(instruction);
        }
        let Reading { images, mut paths, lost_image, all_paths, .. } = reading;
        paths.sort();
        paths.dedup();
        Self { images: (!lost_image).then_some(images), paths: (!all_paths).then_some(paths) }
    }
}

#[derive(Default)]
struct Reading {
    /// Arguments that stand before the first stage.
    known: IndexMap<String, String>,
    stages: Vec<String>,
    images: Vec<String>,
    paths: Vec<String>,
    lost_image: bool,
    all_paths: bool,
}

impl Reading {
    fn take(&mut self, instruction: &Instruction<'_>) {
        match instruction {
            Instruction::From(from) => {
                match expand(&from.image.value, &self.known) {
                    Some(image) => self.image(&image),
                    None => self.lost_image = true,
                }
                let name = from.as_.as_ref().map(|(_, name)| name.value.to_lowercase());
                self.stages.push(name.unwrap_or_default());
            }
            Instruction::Copy(copy) => self.copied(&copy.options, &copy.src),
            Instruction::Add(add) => {
                let remote = |source: &Source<'_>| matches!(source, Source::Path(path) if path.value.contains("://") || path.value.starts_with("git@"));
                self.lost_image |= add.src.iter().any(remote);
                self.copied(&add.options, &add.src);
            }
            Instruction::Run(run) => {
                run.options
                    .iter()
                    .filter(|flag| flag.name.value == "mount")
                    .for_each(|flag| self.mounted(flag));
            }
            Instruction::Onbuild(onbuild) => self.take(&onbuild.instruction),
            _ => {}
        }
    }

    fn image(&mut self, image: &str) {
        let is_stage = self.stages.iter().any(|stage| !stage.is_empty() && *stage == image.to_lowercase());
        if image != "scratch" && !is_stage && !self.images.iter().any(|known| known == image) {
            self.images.push(image.to_owned());
        }
    }

    fn from(&mut self, from: &str) {
        // A stage can be named by its number.
        if from.parse::<usize>().is_ok() {
            return;
        }
        if from.contains('$') {
            self.lost_image = true;
        } else {
            self.image(from);
        }
    }

    fn copied(&mut self, options: &[Flag<'_>], sources: &[Source<'_>]) {
        let from = options.iter().find(|flag| flag.name.value == "from");
        if let Some(value) = from.and_then(|flag| flag.value.as_ref()) {
            return self.from(&value.value);
        }
        for source in sources {
            if let Source::Path(path) = source {
                self.path(&path.value);
            }
        }
    }

    /// `RUN --mount=type=bind,source=…`; `bind` is the default type, the whole context the default source.
    fn mounted(&mut self, flag: &Flag<'_>) {
        let value = flag.value.as_ref().map(|value| value.value.as_ref()).unwrap_or_default();
        let pairs: Vec<(&str, &str)> = value.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let of =
            |names: &[&str]| pairs.iter().find(|(name, _)| names.contains(name)).map(|(_, value)| *value);
        match (of(&["type"]).unwrap_or("bind"), of(&["from"])) {
            ("bind" | "cache", Some(from)) => self.from(from),
            ("bind", None) => self.path(of(&["source", "src"]).unwrap_or("/")),
            _ => {}
        }
    }

    fn path(&mut self, source: &str) {
        let trimmed = source.trim_start_matches("./").trim_matches('/');
        // A pattern stands for what it may match: everything in its folder.
        let plain: Vec<&str> =
            trimmed.split('/').take_while(|part| !part.contains(['*', '?', '[', '\\'])).collect();
        let odd = source.contains('$') || plain.iter().any(|part| matches!(*part, "" | "." | ".."));
        if odd || plain.is_empty() {
            self.all_paths = true;
        } else {
            self.paths.push(plain.join("/"));
        }
    }
}

/// Arguments before the first stage, as the build sets them or by their defaults.
fn known<'a>(
    defaults: impl Iterator<Item = &'a str>,
    args: &IndexMap<String, String>,
) -> IndexMap<String, String> {
    let mut known = IndexMap::new();
    for argument in defaults {
        let (name, default) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.trim_matches(['"', '\'']))),
            None => (argument, None),
        };
        if let Some(value) = args.get(name).map(String::as_str).or(default) {
            known.insert(name.to_owned(), value.to_owned());
        }
    }
    known
}

/// `$NAME`, `${NAME}` and `${NAME:-default}` filled in; none for any other form, or a name that is not known.
fn expand(text: &str, known: &IndexMap<String, String>) -> Option<String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let (name, default, next) = match after.strip_prefix('{') {
            Some(braced) => {
                let (inner, next) = braced.split_once('}')?;
                let (name, default) = match inner.split_once(":-") {
                    Some((name, default)) => (name, Some(default)),
                    None => (inner, None),
                };
                (name, default, next)
            }
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], None, &after[end..])
            }
        };
        let value = known.get(name).map(String::as_str).filter(|value| !value.is_empty());
        result.push_str(value.or(default).filter(|value| !value.contains('$'))?);
        rest = next;
    }
    result.push_str(rest);
    Some(result)
}

/// The text without what changes nothing: comments and empty lines. Directives stay, and so does everything where a document
/// in the text (`<<EOF`) may hold such lines.
pub(super) fn essential(text: &str) -> String {
    if text.contains("<<") {
        return text.to_owned();
    }
    let directive = |line: &str| {
        let word = line.trim_start_matches('#').split('=').next().unwrap_or_default().trim().to_lowercase();
        line.contains('=') && matches!(word.as_str(), "syntax" | "escape" | "check")
    };
    let lines = text.lines().filter(|line| {
        let line = line.trim();
        !line.is_empty() && (!line.starts_with('#') || directive(line))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> (Option<String>, Option<String>) {
        let args = IndexMap::from([("V".to_owned(), "9".to_owned())]);
        let needs = Needs::of(text, &args);
        (needs.images.map(|images| images.join(" ")), needs.paths.map(|paths| paths.join(" ")))
    }

    #[test]
    fn images_are_those_that_no_stage_makes() {
        for (text, images) in [
            (
                "FROM a:1 AS x\nFROM b\nCOPY --from=x /a /\nCOPY --from=0 /a /\nCOPY --from=c:2 /a /\n",
                Some("a:1 b c:2"),
            ),
            ("FROM scratch\n", Some("")),
            (
                "ARG V=8\nARG W=\"7\"\nFROM a:${V}-$W\nFROM b:${NO:-1}\nFROM a:9-7 AS again\n",
                Some("a:9-7 b:1"),
            ),
            ("FROM a AS Base\nFROM base\n", Some("a")),
            ("FROM a:$TARGETARCH\n", None),
            ("FROM a\nADD https://x.invalid/y /y\n", None),
            (
                "FROM a\nRUN --mount=from=d,target=/d true\nRUN --mount=type=cache,target=/c true\n",
                Some("a d"),
            ),
            ("RUNN x\n", None),
        ] {
            assert_eq!(needs(text).0.as_deref(), images, "{text}");
        }
    }

    #[test]
    fn paths_are_told_or_stand_for_everything() {
        for (copied, paths) in [
            ("COPY a ./b/c /d /x/", Some("a b/c d")),
            ("COPY [\"a b\", \"c\", \"/x/\"]", Some("a b c")),
            ("COPY . .", None),
            ("COPY ./ /x", None),
            ("COPY a $B /x/", None),
            ("COPY src/*.py /x/", Some("src")),
            ("COPY package*.json /x/", None),
            ("COPY ../a /x/", None),
            ("COPY --chown=1:1 --from=x /a /b", Some("")),
            ("RUN --mount=type=bind,source=s,target=/s true", Some("s")),
            ("RUN --mount=target=/s true", None),
            ("RUN --mount=type=secret,id=a true", Some("")),
            ("ONBUILD COPY o /o", Some("o")),
            ("ADD a.tar /x", Some("a.tar")),
        ] {
            assert_eq!(needs(&format!("FROM a AS x\n{copied}\n")).1.as_deref(), paths, "{copied}");
        }
    }

    #[test]
    fn comments_change_nothing_and_directives_do() {
        assert_eq!(essential("# syntax=x\n# hello\n\nFROM a\n  # b\nRUN c\n"), "# syntax=x\nFROM a\nRUN c");
        let document = "FROM a\nRUN <<EOF\n# kept\nEOF\n";
        assert_eq!(essential(document), document);
    }
}
