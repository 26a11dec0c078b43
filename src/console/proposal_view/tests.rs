//! The forms of a proposal: what they look like, and that nothing in a value breaks them.

use std::collections::BTreeSet;

use dashdeploy_contract::conformance::CANARY;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use regex::Regex;

use super::*;
use crate::console::{plan_text, safe};
use crate::deploy::Graph;
use crate::deploy::sample_tests::{HOSTILE, Sample, hostile, huge, second, settled};

const PLAIN: Style = Style { color: false };

fn forms(sample: &Sample) -> [String; 3] {
    let proposal = sample.proposal();
    [proposal_text(&proposal, PLAIN), proposal_markdown(&proposal), proposal_html(&proposal)]
}

#[test]
fn the_forms_look_as_they_should() {
    let [text, markdown, html] = forms(&second());
    insta::assert_snapshot!("proposal_text", text);
    insta::assert_snapshot!("proposal_markdown", markdown);
    insta::assert_snapshot!("proposal_html", html);
    insta::assert_snapshot!("nothing", forms(&settled())[..2].join("\n"));
}

#[test]
fn plan_and_proposal_say_the_same_of_a_change() {
    let text = plan_text(&second().plan, PLAIN);
    insta::assert_snapshot!("plan_text", text);
}

#[test]
fn colour_adds_to_the_text_and_changes_nothing_else() {
    let proposal = second().proposal();
    let painted = proposal_text(&proposal, Style { color: true });
    assert!(painted.contains("\x1b[31;1m-\x1b[0m volume/cache"), "{painted}");
    assert_eq!(console::strip_ansi_codes(&painted), proposal_text(&proposal, PLAIN));
}

#[test]
fn no_form_holds_a_secret() {
    for form in forms(&second()).iter().chain(&forms(&hostile())) {
        assert!(!form.contains(CANARY));
    }
}

#[test]
fn text_fits_80_columns_and_obeys_nothing() {
    for sample in [second(), settled(), hostile(), huge(20, 20)] {
        let text = proposal_text(&sample.proposal(), PLAIN);
        for line in text.lines() {
            assert!(width(line) <= WIDTH, "{line}");
        }
        assert!(text.chars().all(|c| (!c.is_control() || c == '\n') && c != '\u{202e}'), "{text}");
    }
}

fn parsed(markdown: &str) -> Vec<Event<'_>> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_GFM | Options::ENABLE_MATH;
    Parser::new_ext(markdown, options).collect()
}

/// What a parser finds in it: only what we put there.
fn check_markdown(markdown: &str) {
    const OURS: [&str; 6] = ["<details>", "</details>", "<summary>", "</summary>", "<code>", "</code>"];
    let tags = Regex::new("<[^<>]*>").unwrap();
    let (mut columns, mut cells, mut fences) = (0, 0, 0);
    for event in parsed(markdown) {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => {
                let foreign = tags.find_iter(&text).find(|tag| !OURS.contains(&tag.as_str()));
                assert!(foreign.is_none(), "{foreign:?}");
            }
            Event::Start(Tag::Table(alignments)) => columns = alignments.len(),
            Event::Start(Tag::TableRow | Tag::TableHead) => cells = 0,
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => assert_eq!(cells, columns),
            Event::Start(Tag::CodeBlock(kind)) => {
                assert!(matches!(kind, CodeBlockKind::Fenced(word) if &*word == "mermaid"));
                fences += 1;
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strikethrough)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Code(_)
            | Event::Rule => panic!("{event:?}"),
            _ => {}
        }
    }
    assert!(fences <= 1);
    for tag in ["details", "summary", "code"] {
        let count = |sign: &str| markdown.matches(&format!("<{sign}{tag}>")).count();
        assert_eq!(count(""), count("/"), "{tag}");
    }
    for found in ["@all", "#1 ", "\u{202e}", "\u{1b}", "<script"] {
        assert!(!markdown.contains(found), "{found}");
    }
}

#[test]
fn markdown_holds_only_the_structure_that_we_gave_it() {
    for sample in [second(), settled(), hostile(), huge(3, 3)] {
        check_markdown(&proposal_markdown(&sample.proposal()));
    }
    let markdown = proposal_markdown(&hostile().proposal());
    let text: String = parsed(&markdown)
        .into_iter()
        .filter_map(|event| if let Event::Text(text) = event { Some(text.to_string()) } else { None })
        .collect();
    let visible = safe(HOSTILE).replace('\n', " ").replace("@all #1", "@\u{200b}all #\u{200b}1");
    let visible = visible.replace("# h", "#\u{200b} h");
    assert!(text.contains(&visible), "{visible}\n{text}");
}

#[test]
fn markdown_keeps_within_a_comment_and_says_what_it_leaves_out() {
    for (services, each) in [(1, 400), (40, 40), (300, 5), (1, 60)] {
        let markdown = proposal_markdown(&huge(services, each).proposal());
        assert!(markdown.len() <= 60_000, "{}", markdown.len());
        check_markdown(&markdown);
        assert!(markdown.contains("… and ") || markdown.contains("left out: fields"), "{services} {each}");
        assert!(markdown.contains("```mermaid"), "the diagram finds room");
    }
}

#[test]
fn labels_of_a_diagram_are_text_and_nothing_else() {
    let line = Regex::new(
        r##"^(flowchart LR|  subgraph t\d+\["[^"`<>]*"\]|    n\d+\["[a-z][^"`<>]*"\]|  end|  n\d+ (-->|-\. healthy \.->) n\d+|  classDef [a-z]+ stroke:#[0-9a-f]{6},stroke-width:2px|  class [n\d,]+ [a-z]+)$"##,
    )
    .unwrap();
    for sample in [second(), hostile(), huge(100, 3)] {
        let proposal = sample.proposal();
        let chart =
            super::mermaid::flowchart(&Graph::of(&proposal, 60), &|target| proposal.title(target).to_owned());
        for text in chart.lines() {
            assert!(line.is_match(text), "{text}");
        }
        assert!(chart.lines().filter(|line| line.starts_with("    n")).count() <= 60);
    }
    let proposal = hostile().proposal();
    let chart =
        super::mermaid::flowchart(&Graph::of(&proposal, 60), &|target| proposal.title(target).to_owned());
    insta::assert_snapshot!("hostile_chart", chart);
}

#[test]
fn the_page_holds_only_elements_of_ours_and_fetches_nothing() {
    const OURS: [&str; 37] = [
        "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p",
        "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code", "div", "svg", "desc",
        "defs", "marker", "path", "g", "rect", "text", "a", "b", "i", "em", "span", "br",
    ];
    let tags = Regex::new("</?([!A-Za-z][A-Za-z0-9]*)([^>]*)>").unwrap();
    for sample in [second(), settled(), hostile(), huge(30, 30)] {
        let html = proposal_html(&sample.proposal());
        let body = html.split_once("</style>").unwrap().1;
        for tag in tags.captures_iter(&html) {
            assert!(OURS.contains(&&tag[1]), "{}", &tag[0]);
            assert!(
                !tag[2].contains("href") && !tag[2].contains("src=") && !tag[2].contains(" on"),
                "{}",
                &tag[0]
            );
        }
        assert_eq!(body.matches('<').count(), tags.find_iter(body).count(), "every < begins a tag");
        assert!(!html.contains('\u{202e}') && !html.contains('\u{1b}'));
    }
}

#[test]
fn the_picture_is_well_formed_and_nothing_in_it_lies_on_anything_else() {
    for sample in [second(), hostile(), huge(30, 30)] {
        let html = proposal_html(&sample.proposal());
        let start = html.find("<svg").unwrap();
        let svg = &html[start..html.find("</svg>").unwrap() + "</svg>".len()];
        let (mut reader, mut places, mut boxes) = (quick_xml::Reader::from_str(svg), BTreeSet::new(), 0);
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(element) if element.name().as_ref() == "rect" => {
                    let at = |name: &str| element.try_get_attribute(name).unwrap().unwrap().value.to_string();
                    places.insert((at("x"), at("y")));
                    boxes += 1;
                }
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert!(boxes > 0 && boxes == places.len());
    }
}
