//! The table against rlibphonenumber itself, on random numbers.

use otpmux_core::{CountryCode, NUMBERS_VERSION, NumberKind, PhoneNumber};
use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneNumber as Theirs, PhoneNumberFormat, PhoneNumberType, Region,
};

/// How many numbers are tried. The oracle needs some 10 µs for each when it is optimised.
const TRIES: u32 = 200_000;

fn theirs(number: &Theirs) -> (Option<String>, NumberKind) {
    let region = PHONE_NUMBER_UTIL.get_region_for_number(number);
    if region == Some(Region::World) {
        return (None, NumberKind::World);
    }
    let kind = match PHONE_NUMBER_UTIL.get_number_type(number) {
        PhoneNumberType::TollFree => NumberKind::TollFree,
        PhoneNumberType::PremiumRate => NumberKind::Premium,
        PhoneNumberType::SharedCost => NumberKind::SharedCost,
        PhoneNumberType::VoIP => NumberKind::Voip,
        PhoneNumberType::PersonalNumber => NumberKind::Personal,
        PhoneNumberType::Pager => NumberKind::Pager,
        PhoneNumberType::UAN => NumberKind::Uan,
        PhoneNumberType::VoiceMail => NumberKind::Voicemail,
        _ => NumberKind::Ordinary,
    };
    (region.map(|it| format!("{it:?}")), kind)
}

/// Random digits behind each calling code in turn; what is valid must have the same country and
/// kind, and the same form.
#[test]
fn valid_numbers_have_the_same_country_kind_and_form() {
    let countries: Vec<_> = CountryCode::all().collect();
    let (mut seed, mut valid, mut wrong) = (9_042_u64, 0, Vec::new());
    for turn in 0..TRIES as usize {
        // The constants of Knuth's MMIX.
        let mut draw = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        };
        let code = countries[turn % countries.len()].calling_code();
        let digits = format!("{:08}{:08}", draw() % 100_000_000, draw() % 100_000_000);
        let length = 4 + usize::try_from(draw() % 8).unwrap_or(0);
        let text = format!("+{code}{}", &digits[..length]);
        let Ok(number) = text.parse::<Theirs>() else { continue };
        let form = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
        if !PHONE_NUMBER_UTIL.is_valid_number(&number) || !(8..=16).contains(&form.len()) {
            continue;
        }
        valid += 1;
        let ours = text.parse::<PhoneNumber>().map(|phone| {
            let place = phone.place();
            let country = place.country.map(|it| it.as_str().to_owned());
            ((country, place.kind), phone.expose().to_owned())
        });
        if ours != Ok((theirs(&number), form.clone())) {
            wrong.push(format!("{text}: {ours:?}, {:?} {form}", theirs(&number)));
        }
    }
    assert!(valid > TRIES / 20, "{valid}");
    assert!(wrong.is_empty(), "{} of {valid}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(NUMBERS_VERSION.starts_with("9."));
}
