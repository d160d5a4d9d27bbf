//! The page of a problem type, rendered from the few forms of Markdown that these pages use.

use super::html::{escape, push};
use super::page::{MARK, STYLE};

/// `text` has a heading of the first level, headings of the second, paragraphs of one line, and
/// lists.
pub(super) fn of(kind: &str, text: &str) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light \
         dark\"><title>{kind}</title><style>{STYLE}</style><header class=\"bar\">{MARK}<h1>{kind} \
         <span>problem type</span></h1><a href=\"/docs\">API</a></header><div class=\"layout\">\
         <main><section class=\"card\">",
    );
    let mut in_list = false;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        let item = line.strip_prefix("- ");
        if item.is_some() != in_list {
            page.push_str(if in_list { "</ul>" } else { "<ul class=\"points\">" });
            in_list = !in_list;
        }
        let (element, text) = match (item, line.strip_prefix("## ")) {
            (Some(item), _) => ("li", item),
            (None, Some(heading)) => ("h3", heading),
            (None, None) => ("p", line),
        };
        push(&mut page, format_args!("<{element}>{}</{element}>", escape(text)));
    }
    if in_list {
        page.push_str("</ul>");
    }
    page.push_str("</section></main></div></html>");
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::PAGES;

    #[test]
    fn headings_paragraphs_and_lists() {
        let page = of("x", "# x\n\nA `b`.\n\n## C\n\n- d\n- e <f>\n\n## G\n\nh\n");
        let expected = "<p>A <code>b</code>.</p><h3>C</h3><ul class=\"points\"><li>d</li><li>e \
                        &lt;f></li></ul><h3>G</h3><p>h</p></section>";
        assert!(page.contains(expected), "{page}");
    }

    #[test]
    fn no_page_has_another_form() {
        for (kind, text) in PAGES {
            for form in ["](", "**", "```", "|", "###", "\n* ", "\n  "] {
                assert!(!text.contains(form), "{kind} has {form:?}");
            }
            assert_eq!(text.matches('`').count() % 2, 0, "{kind}");
        }
    }
}
