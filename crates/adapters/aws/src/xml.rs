use quick_xml::Reader;
use quick_xml::events::Event;

/// Returns the text of the first element at a path of local names, from the root. `None` if there is
/// none, or the document cannot be read up to there. Entities other than the five of XML are not
/// expanded.
pub(crate) fn text_at(document: &[u8], path: &[&str]) -> Option<String> {
    let mut reader = Reader::from_str(str::from_utf8(document).ok()?);
    // The names of the open elements.
    let mut open: Vec<String> = Vec::new();
    let mut text: Option<String> = None;
    loop {
        let at = open.len() == path.len() && open.iter().zip(path).all(|(open, name)| open == name);
        match reader.read_event().ok()? {
            Event::Start(element) => open.push(element.local_name().as_ref().to_owned()),
            Event::End(_) => {
                if at {
                    return text.map(|text| text.trim().to_owned());
                }
                open.pop();
            }
            Event::Text(part) if at => {
                text.get_or_insert_default().push_str(&part);
            }
            Event::CData(part) if at => {
                text.get_or_insert_default().push_str(&part);
            }
            Event::GeneralRef(name) if at => {
                let text = text.get_or_insert_default();
                match name.resolve_char_ref().ok()? {
                    Some(character) => text.push(character),
                    None => text.push(match name.as_ref() {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return None,
                    }),
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_first_text_at_a_path() {
        let document = br#"<?xml version="1.0"?>
            <a:Response xmlns:a="http://sns.amazonaws.com/doc/2010-03-31/">
              <!-- <Id>no</Id> --><Other><Id>no</Id></Other>
              <Id> one &amp; &#x32; <![CDATA[<three>]]></Id><Id>later</Id><Empty/>
            </a:Response>"#;
        assert_eq!(text_at(document, &["Response", "Id"]).as_deref(), Some("one & 2 <three>"));
        assert_eq!(text_at(document, &["Response", "Empty"]), None);
        assert_eq!(text_at(document, &["Response", "Nothing"]), None);
        assert_eq!(text_at(document, &["Id"]), None);
    }

    #[test]
    fn an_answer_other_than_xml_has_no_text() {
        for document in [
            &b""[..],
            b"{}",
            b"<a><b>1",
            b"<a><b>1</a></b>",
            b"<a><b>&unknown;</b></a>",
            b"<!DOCTYPE a [<!ENTITY x \"y\">]><a><b>&x;</b></a>",
            b"\xff\xfe<a>",
        ] {
            assert_eq!(text_at(document, &["a", "b"]), None, "{document:?}");
        }
    }
}
