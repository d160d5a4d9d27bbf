//! Numbers with the answers of libphonenumber, for the tests of the table.

use std::collections::{BTreeMap, BTreeSet};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use crate::metadata::Metadata;

/// A line for each country and kind: both, then the digits of its numbers. A number that is not
/// valid is under `- unassigned`.
pub(crate) fn golden(source: &Metadata) -> String {
    let mut numbers = BTreeSet::new();
    for region in &source.regions {
        #[expect(deprecated, reason = "that is where a decoded collection has them")]
        let descriptions = [
            &region.fixed_line,
            &region.mobile,
            &region.toll_free,
            &region.premium_rate,
            &region.shared_cost,
            &region.personal_number,
            &region.voip,
            &region.pager,
            &region.uan,
            &region.voicemail,
        ];
        let code = region.country_code.unwrap_or_default();
        for example in
            descriptions.into_iter().flatten().filter_map(|it| it.example_number.as_ref())
        {
            numbers.extend(neighbours(&format!("{code}{example}"), code.to_string().len()));
        }
    }
    // Every area code of the North American plan.
    for area in 200..1000 {
        numbers.insert(format!("1{area}2345678"));
    }
    let mut lines: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for number in numbers {
        let (answer, number) = answer(&number);
        lines.entry(answer).or_default().insert(number);
    }
    let lines = lines.into_iter().map(|(answer, numbers)| {
        format!("{answer} {}\n", numbers.into_iter().collect::<Vec<_>>().join(" "))
    });
    let lines: String = lines.collect();
    format!("# libphonenumber {}\n{lines}", source.version)
}

/// A number, and others that differ in one of the digits that follow the calling code.
fn neighbours(number: &str, code: usize) -> Vec<String> {
    let mut all = vec![number.to_owned()];
    for at in code..number.len().min(code + 5) {
        let digit = number.as_bytes()[at] - b'0';
        let other = (digit + 1) % 10;
        all.push(format!("{}{other}{}", &number[..at], &number[at + 1..]));
    }
    all
}

/// Country and kind, and the number in its one form.
fn answer(digits: &str) -> (String, String) {
    let unassigned = || ("- unassigned".to_owned(), digits.to_owned());
    let Ok(number) = format!("+{digits}").parse::<PhoneNumber>() else { return unassigned() };
    if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
        return unassigned();
    }
    let kind = match PHONE_NUMBER_UTIL.get_number_type(&number) {
        PhoneNumberType::TollFree => "toll_free",
        PhoneNumberType::PremiumRate => "premium",
        PhoneNumberType::SharedCost => "shared_cost",
        PhoneNumberType::VoIP => "voip",
        PhoneNumberType::PersonalNumber => "personal",
        PhoneNumberType::Pager => "pager",
        PhoneNumberType::UAN => "uan",
        PhoneNumberType::VoiceMail => "voicemail",
        _ => "ordinary",
    };
    let answer = match PHONE_NUMBER_UTIL.get_region_for_number(&number) {
        Some(Region::World) => "- world".to_owned(),
        Some(region) => format!("{region:?} {kind}"),
        None => return unassigned(),
    };
    let form = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
    (answer, form.trim_start_matches('+').to_owned())
}
