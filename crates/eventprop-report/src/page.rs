//! The frame of a page: head, style, script, sections.

use crate::figure::Figure;
use crate::html::escape;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A page that is being written.
pub struct Page {
    title: String,
    top: String,
    sections: Vec<Section>,
}

struct Section {
    id: String,
    title: String,
    body: String,
}

impl Page {
    /// A page; `top` is what stands above the sections, as HTML.
    pub fn new(title: &str, top: String) -> Self {
        Self {
            title: title.to_owned(),
            top,
            sections: Vec::new(),
        }
    }

    /// Adds a section, unless it has nothing in it.
    pub fn section(&mut self, id: &str, title: &str, body: String) {
        if !body.is_empty() {
            self.sections.push(Section {
                id: id.to_owned(),
                title: title.to_owned(),
                body,
            });
        }
    }

    /// The whole page.
    pub fn to_html(&self) -> String {
        let link = |s: &Section| format!("<a href=\"#{}\">{}</a>", s.id, escape(&s.title));
        let links: String = self.sections.iter().map(link).collect();
        let section = |s: &Section| {
            format!(
                "<section id=\"{}\"><h2>{}</h2>{}</section>\n",
                s.id,
                escape(&s.title),
                s.body
            )
        };
        let sections: String = self.sections.iter().map(section).collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header>{}</header>\n<nav aria-label=\"Sections\">{links}\
             <button id=\"theme\" type=\"button\" hidden>dark</button></nav>\n<main>\n{sections}</main>\n\
             <footer>Written by eventprop {}. Everything on this page is in this file; point at a figure to read its values.</footer>\n\
             <div id=\"tip\" role=\"status\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            escape(&self.title),
            self.top,
            env!("CARGO_PKG_VERSION"),
        )
    }
}

/// Figures beside and below each other, each with what it says.
pub fn figures(figures: &[Figure]) -> String {
    if figures.is_empty() {
        return String::new();
    }
    let one = |figure: &Figure| format!("<figure>{}</figure>", figure.inline_svg());
    let all: String = figures.iter().map(one).collect();
    format!("<div class=\"figures\">{all}</div>")
}

/// A paragraph of text.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

/// Text beside figures that says how to read them.
pub fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>", escape(text))
}

/// A result in large letters: name, value, what belongs to it.
pub fn card(name: &str, value: &str, below: &str) -> String {
    format!(
        "<div class=\"card\"><div class=\"what\">{}</div><div class=\"value\">{}</div><div class=\"below\">{}</div></div>",
        escape(name),
        escape(value),
        escape(below)
    )
}

/// Warnings that a reader should not miss; nothing when there is nothing.
pub fn warnings(texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items = texts.iter().map(|t| format!("<li>{}</li>", escape(t)));
    format!(
        "<div class=\"warn\"><strong>Warnings</strong><ul>{}</ul></div>",
        items.collect::<Vec<String>>().concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_needs_nothing_else() {
        let mut page = Page::new("a & b", card("x", "1 < 2", ""));
        page.section("empty", "Empty", String::new());
        page.section("one", "One", paragraph("words"));
        let html = page.to_html();
        assert!(html.contains("<title>a &amp; b</title>") && html.contains("1 &lt; 2"));
        assert!(!html.contains("id=\"empty\"") && html.contains("href=\"#one\""));
        let without_names = html.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !without_names.contains("http"),
            "something is fetched from a network"
        );
    }
}
