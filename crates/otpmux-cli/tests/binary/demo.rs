use crate::support::{program, run};

/// The six digits after the last quotation mark that opens in this line.
fn code(line: &str) -> &str {
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    line.split(|c: char| !c.is_ascii_digit()).find(digits).expect(line)
}

#[test]
fn tells_its_story_and_ends_well() {
    let ended = run(program().arg("demo"), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    assert_eq!(ended.stderr, "");
    assert!(!ended.stdout.contains('\u{1b}'), "no styles but on a terminal");
    let chapters: Vec<_> = ended.stdout.split("\n\n").collect();
    let chapter = |title: &str| {
        let found = chapters.iter().find(|chapter| chapter.starts_with(title));
        found.expect(title).lines().collect::<Vec<_>>()
    };
    let handset = |lines: &[&str]| -> Vec<String> {
        let shown = lines.iter().filter(|line| line.contains("handset: "));
        shown.map(|line| (*line).to_owned()).collect()
    };

    let first = chapter("1. A code goes out through EasyOTP");
    let messages = handset(&first);
    assert_eq!(messages.len(), 1);
    assert!(messages[0].ends_with("(by EasyOTP)"));
    let right = code(&messages[0]);
    assert!(first.contains(&"    send to +9•••••••••10"));
    assert!(first.contains(&format!("    the right code, {right}: approved").as_str()));
    assert!(first[4].contains("wrong code, 4 guesses left"));
    assert!(first[6].contains("already used"));

    let second = chapter("2. EasyOTP breaks");
    let messages = handset(&second);
    assert!(messages[0].ends_with("(by EasyOTP)"));
    assert!(messages[1].ends_with("(by StartMessaging)"));
    assert_eq!(code(&messages[0]), code(&messages[1]), "the same code");
    assert!(second.iter().any(|line| line.ends_with(": approved")));

    let third = chapter("3. EasyOTP refuses");
    let messages = handset(&third);
    assert_eq!(messages.len(), 1, "a refusal makes no second message");
    assert!(messages[0].ends_with("(by StartMessaging)"));

    let fourth = chapter("4. By whatsapp");
    let messages = handset(&fourth);
    assert_eq!(messages.len(), 1);
    assert!(messages[0].ends_with("(by AirTexts)"));
    let right = format!("    the right code, {}: approved", code(&messages[0]));
    assert!(fourth.contains(&right.as_str()), "{fourth:?}");
}

#[test]
fn the_numbers_are_masked() {
    let ended = run(program().arg("demo"), "");
    for number in ["9876543210", "9812345678", "9898989898", "9811112222"] {
        assert!(!ended.everything().contains(number));
    }
}

#[test]
fn json_is_a_document_a_line() {
    let ended = run(program().args(["demo", "--json"]), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    let lines = ended.json();
    let titles = lines.iter().filter(|line| line["title"].is_string()).count();
    assert_eq!(titles, 5);
    assert!(lines.iter().all(|line| line["title"].is_string() || line["text"].is_string()));
}
