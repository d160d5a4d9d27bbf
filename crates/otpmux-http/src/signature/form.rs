use url::Url;
use url::form_urlencoded;

/// Returns the fields of a form body as some vendors sign them after the URL: sorted by name, each
/// name followed directly by its value, decoded. A pair that occurs twice is signed once.
pub fn sorted_fields(body: &[u8]) -> String {
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    fields.sort();
    fields.dedup();
    fields.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// Returns the URL as given, then with the default port of its scheme written out, and without any
/// port: a vendor may sign each of the forms for the same call.
pub fn url_forms(url: &str) -> Vec<String> {
    let mut forms = vec![url.to_owned()];
    let Some((parsed, start)) = Url::parse(url).ok().zip(url.find("://").map(|at| at + 3)) else {
        return forms;
    };
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let authority = &url[start..end];
    let host = match authority.rfind(':') {
        Some(at) if !authority[at..].contains(']') => &authority[..at],
        _ => authority,
    };
    let port = parsed.port_or_known_default().map(|port| format!("{host}:{port}"));
    for authority in port.into_iter().chain([host.to_owned()]) {
        let form = format!("{}{authority}{}", &url[..start], &url[end..]);
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{Digest, Encoding, hmac};

    #[test]
    fn with_and_without_port() {
        assert_eq!(
            url_forms("https://a.example/x?y=1:2"),
            ["https://a.example/x?y=1:2", "https://a.example:443/x?y=1:2"]
        );
        assert_eq!(
            url_forms("http://a.example:8080/"),
            ["http://a.example:8080/", "http://a.example/"]
        );
        assert_eq!(url_forms("https://[::1]/x"), ["https://[::1]/x", "https://[::1]:443/x"]);
        assert_eq!(url_forms("https://[::1]:99"), ["https://[::1]:99", "https://[::1]"]);
        assert_eq!(url_forms("no url"), ["no url"]);
    }

    #[test]
    fn fields_are_sorted_decoded_and_joined() {
        assert_eq!(sorted_fields(b"b=2&a=x%20y&a=+1&b=2"), "a 1ax yb2");
        assert_eq!(sorted_fields(b""), "");
    }

    /// The example on Twilio's page "Security": URL, fields, token and signature are theirs.
    /// https://www.twilio.com/docs/usage/security
    #[test]
    fn the_example_of_the_vendor_that_signs_so() {
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let body = b"CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234\
            &From=%2B12349013030&To=%2B18005551212";
        let signed = [url.as_bytes(), sorted_fields(body).as_bytes()].concat();
        let signature = Encoding::Base64.encode(&hmac(Digest::Sha1, b"12345", &[&signed]));
        assert_eq!(signature, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    }
}
