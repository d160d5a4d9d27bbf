//! Telephone numbers as people write them, and what is said of them.

use otpmux_core::{CountryCode, NumberKind, PhoneNumber, Recipient, RecipientError};

fn country(code: &str) -> CountryCode {
    code.parse().unwrap_or_else(|e| panic!("{code}: {e}"))
}

fn form(text: &str) -> String {
    text.parse::<PhoneNumber>().unwrap_or_else(|e| panic!("{text}: {e}")).expose().to_owned()
}

fn place(text: &str) -> (Option<&'static str>, NumberKind) {
    let place = text.parse::<PhoneNumber>().unwrap_or_else(|e| panic!("{text}: {e}")).place();
    (place.country.map(CountryCode::as_str), place.kind)
}

#[test]
fn one_telephone_has_one_form() {
    for (form_of_it, others) in [
        ("+447911123456", &["+4407911123456", "+44 (0) 7911 123456", "+44 00 7911123456"][..]),
        ("+919876500001", &["+9109876500001", "00919876500001", "+91 98765-00001"]),
        ("+525512345678", &["+5215512345678", "+52 1 55 1234 5678", "+52 045 55 1234 5678"]),
        (
            "+5491123456789",
            &["+54 11 15 2345 6789", "+54 9 11 15 2345-6789", "+54 011 15 2345 6789"],
        ),
        ("+5492211234567", &["+54 221 15 123 4567", "+54 (0) 221 15 123 4567"]),
        ("+79123456789", &["+7 8 912 345 67 89"]),
        ("+14155550123", &["+1 1 415 555 0123", "+1 (415) 555-0123", "tel:+1-415-555-0123"]),
        ("+36301234567", &["+36 06 30 123 4567"]),
        ("+4915112345678", &["+49 (0)151 12345678", "+49 0151/12345678"]),
        ("+24162031234", &["+241 062031234"]),
        ("+375296394501", &["+375 80 29 639 45 01", "+375 0 29 639 45 01"]),
        ("+37061234567", &["+370 8 612 34567", "+370 0 612 34567"]),
        ("+261209569087", &["+261 9569087"]),
    ] {
        assert_eq!(form(form_of_it), *form_of_it);
        for other in others {
            assert_eq!(form(other), *form_of_it, "{other}");
        }
    }
    // The same zero is a part of the number here.
    for kept in ["+390669812345", "+2250123456789", "+78005553535", "+393471234567"] {
        assert_eq!(form(kept), kept);
    }
}

#[test]
fn argentinas_mobiles_count_once_with_and_without_their_nine() {
    let counted = |text: &str| text.parse::<Recipient>().unwrap().counted().into_owned();
    assert_eq!(counted("+5491123456789"), counted("+541123456789"));
    assert_ne!(counted("+5491123456789"), counted("+5491123456780"));
    assert_eq!(counted("+447911123456"), "+447911123456");
}

#[test]
fn a_length_that_no_number_of_its_range_has_is_refused() {
    for (text, told) in [
        (
            "+91987650000",
            "understood as a number of IN, +91, where 10 digits follow the calling code; here 9 do",
        ),
        (
            "+9198765000011",
            "understood as a number of IN, +91, where 10 digits follow the calling code; here 11 do",
        ),
        (
            "+1415555012",
            "understood as a number of US, +1, where 10 digits follow the calling code; here 9 do",
        ),
        (
            "+44791112345",
            "understood as a number of GG, +44, where 10 digits follow the calling code; here 9 do",
        ),
    ] {
        assert_eq!(text.parse::<PhoneNumber>().unwrap_err().to_string(), told);
    }
    // A number in no known range may be new.
    for unknown in ["+447700900123", "+17105550123", "+9991234567"] {
        assert_eq!((form(unknown), place(unknown).1), (unknown.to_owned(), NumberKind::Unassigned));
    }
}

#[test]
fn numbers_as_people_type_them() {
    let reads = |text: &str, code: &str| {
        PhoneNumber::parse_in(text, Some(country(code))).map(|phone| phone.expose().to_owned())
    };
    for (text, code, expected) in [
        ("98765 43210", "IN", "+919876543210"),
        ("098765-43210", "IN", "+919876543210"),
        ("९८७६५ ४३२१०", "IN", "+919876543210"),
        ("৯৮৭৬৫৪৩২১০", "IN", "+919876543210"),
        ("919876543210", "IN", "+919876543210"),
        ("+91\u{a0}98765\u{202f}43210", "US", "+919876543210"),
        ("\u{202a}+91 98765 43210\u{202c}", "IN", "+919876543210"),
        ("0091 98765 43210", "IN", "+919876543210"),
        ("011 91 98765 43210", "US", "+919876543210"),
        ("010 91 98765 43210", "JP", "+919876543210"),
        ("0011 91 98765 43210", "AU", "+919876543210"),
        ("8 10 91 98765 43210", "RU", "+919876543210"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("1-415-555-0123", "US", "+14155550123"),
        ("415.555.0123", "CA", "+14155550123"),
        ("07911 123456", "GB", "+447911123456"),
        ("٠٥٠١٢٣٤٥٦٧", "SA", "+966501234567"),
        ("۰۹۱۲۱۲۳۴۵۶۷", "IR", "+989121234567"),
        ("０９０−１２３４−５６７８", "JP", "+819012345678"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("8 800 555 35 35", "RU", "+78005553535"),
        ("0151/12345678", "DE", "+4915112345678"),
        ("06 30 123 4567", "HU", "+36301234567"),
        ("347 123 4567", "IT", "+393471234567"),
        ("06 6982 1234", "IT", "+390669821234"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("55 1234 5678", "MX", "+525512345678"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("tel:07911-123456", "GB", "+447911123456"),
    ] {
        assert_eq!(reads(text, code).as_deref(), Ok(expected), "{text} in {code}");
    }
}

#[test]
fn doubt_is_refused_with_what_was_understood() {
    let told = |text: &str, code: &str| {
        PhoneNumber::parse_in(text, Some(country(code))).unwrap_err().to_string()
    };
    assert_eq!(
        told("98765 4321", "IN"),
        "understood as a number of IN, +91, where 10 digits follow the calling code; here 9 do"
    );
    assert_eq!(
        told("555-0123", "US"),
        "understood as a number of US, where none begins like this: write it with '+' and the \
         calling code, such as +1..."
    );
    assert_eq!(
        told("49405723537", "DE"),
        "may be a national number of DE and an international one: write it with '+' and the \
         calling code, such as +49..."
    );
    let alone = "98765 43210".parse::<Recipient>();
    assert_eq!(alone, Err(RecipientError::NoCountry));
    for wrong in [
        "",
        "+",
        "call me",
        "98765 43210 ext 5",
        "98765 43210 x5",
        "98765 43210, 98765 43211",
        "98765 43210 / 98765 43211",
        "98765 43210 98765 43211",
        "+91 98765 43210+91 98765 43211",
        "98765 43210;ext=5",
        "98765 4321O",
        "0",
        "00",
        "1800 FLOWERS",
    ] {
        let read = PhoneNumber::parse_in(wrong, Some(country("IN")));
        assert!(read.is_err(), "{wrong}");
        let digits: String = wrong.chars().filter(char::is_ascii_digit).collect();
        assert!(digits.len() < 5 || !read.unwrap_err().to_string().contains(&digits));
    }
}

#[test]
fn numbers_that_a_hand_written_table_got_wrong() {
    use NumberKind::{Ordinary, Personal, Premium, Unassigned, World};
    for (number, expected) in [
        ("+447781123456", (Some("GG"), Ordinary)),
        ("+447839123456", (Some("GG"), Ordinary)),
        ("+447911123456", (Some("GG"), Ordinary)),
        ("+447797123456", (Some("JE"), Ordinary)),
        ("+447624123456", (Some("IM"), Ordinary)),
        ("+447400123456", (Some("GB"), Ordinary)),
        ("+262639123456", (Some("YT"), Ordinary)),
        ("+262692123456", (Some("RE"), Ordinary)),
        ("+5993181234", (Some("BQ"), Ordinary)),
        ("+59995181234", (Some("CW"), Ordinary)),
        ("+590590271234", (Some("BL"), Ordinary)),
        ("+12732345678", (Some("CA"), Ordinary)),
        ("+590690001234", (Some("GP"), Ordinary)),
        ("+358181234567", (Some("AX"), Ordinary)),
        ("+4779123456", (Some("SJ"), Ordinary)),
        ("+61891621234", (Some("CC"), Ordinary)),
        ("+61891641234", (Some("CX"), Ordinary)),
        ("+390669812345", (Some("VA"), Ordinary)),
        ("+2908123", (Some("TA"), Ordinary)),
        ("+77015550123", (Some("KZ"), Ordinary)),
        ("+79015550123", (Some("RU"), Ordinary)),
        ("+14165550123", (Some("CA"), Ordinary)),
        ("+18765550123", (Some("JM"), Ordinary)),
        ("+17105550123", (None, Unassigned)),
        ("+14605550123", (None, Unassigned)),
        ("+19002345678", (Some("US"), Premium)),
        ("+449012345678", (Some("GB"), Premium)),
        ("+447012345678", (Some("GB"), Personal)),
        ("+881612345678", (None, World)),
        ("+80012345678", (None, World)),
        ("+2101234567", (None, Unassigned)),
        ("+37912345678", (None, Unassigned)),
    ] {
        assert_eq!(place(number), expected, "{number}");
    }
}

/// Every region's examples of every kind, their neighbours, and all area codes of `+1`, with the
/// answers of libphonenumber (written by `tools/number-table`).
#[test]
fn the_table_agrees_with_libphonenumber() {
    let golden = include_str!("data/numbers.txt");
    let (mut valid, mut others) = (Vec::new(), Vec::new());
    for line in golden.lines().skip(1) {
        let mut words = line.split(' ');
        let country = words.next().filter(|it| *it != "-");
        let kind: NumberKind = words.next().unwrap().parse().unwrap();
        if kind == NumberKind::Unassigned {
            others.extend(words);
            continue;
        }
        // Companies in Iran have numbers that are shorter than any that is taken.
        for digits in words.filter(|it| it.len() >= 7) {
            let number = format!("+{digits}");
            assert_eq!(place(&number), (country, kind), "{number}");
            assert_eq!(form(&number), number);
            valid.push(digits);
        }
    }
    // Area codes of which no number is valid are no country's.
    let unused = |digits: &&str| {
        let area = digits.ends_with("2345678").then(|| digits.get(..4)).flatten();
        area.is_some_and(|area| {
            area.starts_with('1') && !valid.iter().any(|it| it.starts_with(area))
        })
    };
    let unused: Vec<_> = others.into_iter().filter(unused).collect();
    assert!(valid.len() > 4500 && unused.len() > 300, "{} {}", valid.len(), unused.len());
    for digits in unused {
        assert_eq!(place(&format!("+{digits}")), (None, NumberKind::Unassigned), "+{digits}");
    }
}
