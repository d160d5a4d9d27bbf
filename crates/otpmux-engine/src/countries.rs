use otpmux_core::PhoneNumber;

/// The country of a telephone number, as an ISO 3166-1 code of two letters, by the longest known
/// beginning of its digits. `None` for numbers of no country (satellites, international services)
/// and for unassigned codes.
///
/// Where countries share a code, the smaller one is told apart where its numbers can be (Canada and
/// the Caribbean within `+1`, Kazakhstan within `+7`); otherwise the larger one is answered (`+39`
/// is Italy for the Vatican, `+358` Finland for Åland). Source: ITU-T E.164 assignments and the
/// North American Numbering Plan.
pub fn country_of(phone: &PhoneNumber) -> Option<&'static str> {
    longest_beginning(phone.expose_digits())
}

fn longest_beginning(mut digits: &str) -> Option<&'static str> {
    loop {
        // Every beginning of the digits that is in the table also begins the last code that is not
        // behind them, so that what follows their common part can be cut off.
        let packed = pack(digits.as_bytes());
        let at = PACKED.partition_point(|code| *code <= packed).checked_sub(1)?;
        let (code, country) = CODES[at];
        let common = code.bytes().zip(digits.bytes()).take_while(|(a, b)| a == b).count();
        if common == code.len() {
            return Some(country);
        }
        digits = &digits[..common];
    }
}

/// Whether any number can have this country.
pub(crate) fn is_country(country: &str) -> bool {
    CODES.iter().any(|(_, known)| *known == country)
}

/// The digits of the longest code.
const LONGEST: usize = 6;

/// The codes as numbers, in the same order: comparing texts took most of the time.
static PACKED: [u32; CODES.len()] = {
    let mut packed = [0; CODES.len()];
    let mut at = 0;
    while at < CODES.len() {
        packed[at] = pack(CODES[at].0.as_bytes());
        at += 1;
    }
    packed
};

/// The first digits as a number. They sort as their texts do: a beginning comes before all that it
/// begins.
const fn pack(digits: &[u8]) -> u32 {
    let mut packed = 0;
    let mut at = 0;
    while at < LONGEST {
        packed = packed * 11;
        if at < digits.len() {
            packed += (digits[at] - b'0') as u32 + 1;
        }
        at += 1;
    }
    packed
}

/// Sorted by code.
#[rustfmt::skip]
const CODES: &[(&str, &str)] = &[
    ("1", "US"),
    ("1204", "CA"),
    ("1226", "CA"),
    ("1236", "CA"),
    ("1242", "BS"),
    ("1246", "BB"),
    ("1249", "CA"),
    ("1250", "CA"),
    ("1257", "CA"),
    ("1263", "CA"),
    ("1264", "AI"),
    ("1268", "AG"),
    ("1284", "VG"),
    ("1289", "CA"),
    ("1306", "CA"),
    ("1340", "VI"),
    ("1343", "CA"),
    ("1345", "KY"),
    ("1354", "CA"),
    ("1365", "CA"),
    ("1367", "CA"),
    ("1368", "CA"),
    ("1382", "CA"),
    ("1403", "CA"),
    ("1416", "CA"),
    ("1418", "CA"),
    ("1428", "CA"),
    ("1431", "CA"),
    ("1437", "CA"),
    ("1438", "CA"),
    ("1441", "BM"),
    ("1450", "CA"),
    ("1460", "CA"),
    ("1468", "CA"),
    ("1473", "GD"),
    ("1474", "CA"),
    ("1506", "CA"),
    ("1514", "CA"),
    ("1519", "CA"),
    ("1548", "CA"),
    ("1568", "CA"),
    ("1579", "CA"),
    ("1581", "CA"),
    ("1584", "CA"),
    ("1587", "CA"),
    ("1604", "CA"),
    ("1613", "CA"),
    ("1639", "CA"),
    ("1647", "CA"),
    ("1649", "TC"),
    ("1658", "JM"),
    ("1664", "MS"),
    ("1670", "MP"),
    ("1671", "GU"),
    ("1672", "CA"),
    ("1683", "CA"),
    ("1684", "AS"),
    ("1705", "CA"),
    ("1709", "CA"),
    ("1721", "SX"),
    ("1742", "CA"),
    ("1753", "CA"),
    ("1758", "LC"),
    ("1767", "DM"),
    ("1778", "CA"),
    ("1780", "CA"),
    ("1782", "CA"),
    ("1784", "VC"),
    ("1787", "PR"),
    ("1807", "CA"),
    ("1809", "DO"),
    ("1819", "CA"),
    ("1825", "CA"),
    ("1829", "DO"),
    ("1849", "DO"),
    ("1867", "CA"),
    ("1868", "TT"),
    ("1869", "KN"),
    ("1873", "CA"),
    ("1876", "JM"),
    ("1879", "CA"),
    ("1902", "CA"),
    ("1905", "CA"),
    ("1939", "PR"),
    ("1942", "CA"),
    ("20", "EG"),
    ("211", "SS"),
    ("212", "MA"),
    ("213", "DZ"),
    ("216", "TN"),
    ("218", "LY"),
    ("220", "GM"),
    ("221", "SN"),
    ("222", "MR"),
    ("223", "ML"),
    ("224", "GN"),
    ("225", "CI"),
    ("226", "BF"),
    ("227", "NE"),
    ("228", "TG"),
    ("229", "BJ"),
    ("230", "MU"),
    ("231", "LR"),
    ("232", "SL"),
    ("233", "GH"),
    ("234", "NG"),
    ("235", "TD"),
    ("236", "CF"),
    ("237", "CM"),
    ("238", "CV"),
    ("239", "ST"),
    ("240", "GQ"),
    ("241", "GA"),
    ("242", "CG"),
    ("243", "CD"),
    ("244", "AO"),
    ("245", "GW"),
    ("246", "IO"),
    ("247", "AC"),
    ("248", "SC"),
    ("249", "SD"),
    ("250", "RW"),
    ("251", "ET"),
    ("252", "SO"),
    ("253", "DJ"),
    ("254", "KE"),
    ("255", "TZ"),
    ("256", "UG"),
    ("257", "BI"),
    ("258", "MZ"),
    ("260", "ZM"),
    ("261", "MG"),
    ("262", "RE"),
    ("263", "ZW"),
    ("264", "NA"),
    ("265", "MW"),
    ("266", "LS"),
    ("267", "BW"),
    ("268", "SZ"),
    ("269", "KM"),
    ("27", "ZA"),
    ("290", "SH"),
    ("291", "ER"),
    ("297", "AW"),
    ("298", "FO"),
    ("299", "GL"),
    ("30", "GR"),
    ("31", "NL"),
    ("32", "BE"),
    ("33", "FR"),
    ("34", "ES"),
    ("350", "GI"),
    ("351", "PT"),
    ("352", "LU"),
    ("353", "IE"),
    ("354", "IS"),
    ("355", "AL"),
    ("356", "MT"),
    ("357", "CY"),
    ("358", "FI"),
    ("359", "BG"),
    ("36", "HU"),
    ("370", "LT"),
    ("371", "LV"),
    ("372", "EE"),
    ("373", "MD"),
    ("374", "AM"),
    ("375", "BY"),
    ("376", "AD"),
    ("377", "MC"),
    ("378", "SM"),
    ("379", "VA"),
    ("380", "UA"),
    ("381", "RS"),
    ("382", "ME"),
    ("383", "XK"),
    ("385", "HR"),
    ("386", "SI"),
    ("387", "BA"),
    ("389", "MK"),
    ("39", "IT"),
    ("40", "RO"),
    ("41", "CH"),
    ("420", "CZ"),
    ("421", "SK"),
    ("423", "LI"),
    ("43", "AT"),
    ("44", "GB"),
    ("441481", "GG"),
    ("441534", "JE"),
    ("441624", "IM"),
    ("45", "DK"),
    ("46", "SE"),
    ("47", "NO"),
    ("48", "PL"),
    ("49", "DE"),
    ("500", "FK"),
    ("501", "BZ"),
    ("502", "GT"),
    ("503", "SV"),
    ("504", "HN"),
    ("505", "NI"),
    ("506", "CR"),
    ("507", "PA"),
    ("508", "PM"),
    ("509", "HT"),
    ("51", "PE"),
    ("52", "MX"),
    ("53", "CU"),
    ("54", "AR"),
    ("55", "BR"),
    ("56", "CL"),
    ("57", "CO"),
    ("58", "VE"),
    ("590", "GP"),
    ("591", "BO"),
    ("592", "GY"),
    ("593", "EC"),
    ("594", "GF"),
    ("595", "PY"),
    ("596", "MQ"),
    ("597", "SR"),
    ("598", "UY"),
    ("599", "CW"),
    ("60", "MY"),
    ("61", "AU"),
    ("62", "ID"),
    ("63", "PH"),
    ("64", "NZ"),
    ("65", "SG"),
    ("66", "TH"),
    ("670", "TL"),
    ("672", "NF"),
    ("673", "BN"),
    ("674", "NR"),
    ("675", "PG"),
    ("676", "TO"),
    ("677", "SB"),
    ("678", "VU"),
    ("679", "FJ"),
    ("680", "PW"),
    ("681", "WF"),
    ("682", "CK"),
    ("683", "NU"),
    ("685", "WS"),
    ("686", "KI"),
    ("687", "NC"),
    ("688", "TV"),
    ("689", "PF"),
    ("690", "TK"),
    ("691", "FM"),
    ("692", "MH"),
    ("7", "RU"),
    ("76", "KZ"),
    ("77", "KZ"),
    ("81", "JP"),
    ("82", "KR"),
    ("84", "VN"),
    ("850", "KP"),
    ("852", "HK"),
    ("853", "MO"),
    ("855", "KH"),
    ("856", "LA"),
    ("86", "CN"),
    ("880", "BD"),
    ("886", "TW"),
    ("90", "TR"),
    ("91", "IN"),
    ("92", "PK"),
    ("93", "AF"),
    ("94", "LK"),
    ("95", "MM"),
    ("960", "MV"),
    ("961", "LB"),
    ("962", "JO"),
    ("963", "SY"),
    ("964", "IQ"),
    ("965", "KW"),
    ("966", "SA"),
    ("967", "YE"),
    ("968", "OM"),
    ("970", "PS"),
    ("971", "AE"),
    ("972", "IL"),
    ("973", "BH"),
    ("974", "QA"),
    ("975", "BT"),
    ("976", "MN"),
    ("977", "NP"),
    ("98", "IR"),
    ("992", "TJ"),
    ("993", "TM"),
    ("994", "AZ"),
    ("995", "GE"),
    ("996", "KG"),
    ("998", "UZ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_codes_fit() {
        assert!(CODES.is_sorted_by_key(|(code, _)| code));
        assert!(PACKED.is_sorted_by(|a, b| a < b));
        assert_eq!(CODES.iter().map(|(code, _)| code.len()).max(), Some(LONGEST));
    }

    #[test]
    fn finds_what_a_look_at_every_code_finds() {
        let slowly = |digits: &str| {
            let fits = CODES.iter().filter(|(code, _)| digits.starts_with(code));
            fits.max_by_key(|(code, _)| code.len()).map(|(_, country)| *country)
        };
        for (code, _) in CODES {
            for length in 0..=code.len() {
                for last in ["", "0", "5", "9", "00000", "99999"] {
                    let digits = format!("{}{last}", &code[..length]);
                    assert_eq!(longest_beginning(&digits), slowly(&digits), "{digits}");
                }
            }
        }
    }

    #[test]
    fn the_longest_beginning_wins() {
        let country = |text: &str| country_of(&text.parse().unwrap());
        for (phone, expected) in [
            ("+919876543210", Some("IN")),
            ("+14155550123", Some("US")),
            ("+14165550123", Some("CA")),
            ("+18765550123", Some("JM")),
            ("+77015550123", Some("KZ")),
            ("+79015550123", Some("RU")),
            ("+447700900123", Some("GB")),
            ("+441534555012", Some("JE")),
            ("+5511999888777", Some("BR")),
            ("+258840000000", Some("MZ")),
            ("+881612345678", None),
            ("+2101234567", None),
        ] {
            assert_eq!(country(phone), expected, "{phone}");
        }
    }
}
