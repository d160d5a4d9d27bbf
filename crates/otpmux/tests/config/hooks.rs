//! `[[doors.hooks]]`

use std::time::Duration;

use otpmux::Config;
use otpmux::config::{DoorsConfig, Environment, HookCheck, HookDoor, HookKind};

use crate::mistakes::assert_mistakes;
use crate::{environment, read, with};

fn hook(lines: &str) -> HookDoor {
    let text = with(&format!("[[doors.hooks]]\nname = \"h\"\nsecret = \"env:HOOK\"\n{lines}"));
    read(&text).unwrap().doors().hooks[0].clone()
}

#[test]
fn a_kind_says_all_but_the_secret() {
    for kind in HookKind::all() {
        let hook = hook(&format!("kind = \"{kind}\"\n"));
        assert_eq!((hook.kind, &*hook.path), (kind, "/hooks/h"));
        assert_eq!(hook.deadline, Duration::from_secs(4));
        assert!(!hook.fields.recipient.is_empty());
        // The secret is looked up by the gateway, not by the client.
        assert!(hook.secrets(&environment()).is_err());
        let found = hook.secrets(&Environment::new().with("HOOK", "of-the-hook")).unwrap();
        assert_eq!((found.0.expose(), found.1.is_none()), ("of-the-hook", true));
    }
}

#[test]
fn keys_replace_what_the_kind_says() {
    let hook = hook(
        "kind = \"hook\"\npath = \"/in/sms\"\npurpose = \"login\"\ncheck = \"hmac_hex\"\nheader = \
         \"X-Signature\"\nrecipient = \"/phone\"\ncode = \"/otp\"\nttl = \"2m\"\ncode_length = 6\n\
         numbers_without_plus = true\n",
    );
    assert_eq!((&*hook.path, hook.purpose.as_str()), ("/in/sms", "login"));
    assert_eq!(hook.check, HookCheck::HmacHex { header: "x-signature".to_owned() });
    assert_eq!(
        (&*hook.fields.recipient, &*hook.fields.code),
        (&["/phone".to_owned()][..], &["/otp".to_owned()][..])
    );
    assert_eq!((hook.ttl, hook.code_length), (Duration::from_mins(2), Some(6)));
    assert!(hook.plus_is_optional && !hook.signs_time());
}

#[test]
fn a_builder_writes_the_same_hooks() {
    let one =
        hook("kind = \"kratos\"\ncheck = \"basic\"\nuser = \"kratos\"\nold_secret = \"env:OLD\"\n");
    let doors = DoorsConfig::default().hook(one.clone());
    let config = Config::builder().environment(environment()).toml(&with("")).unwrap();
    let config = config.doors(&doors).build().unwrap();
    let again = &config.doors().hooks[0];
    assert_eq!(format!("{again:?}"), format!("{one:?}"));
}

#[test]
fn mistakes() {
    let of = |lines: &str| with(&format!("[[doors.hooks]]\nsecret = \"env:HOOK\"\n{lines}"));
    let kinds: Vec<_> = HookKind::all().map(HookKind::as_str).collect();
    assert_mistakes(
        &with("[[doors.hooks]]\nname = \"A\"\nkind = \"supabase\"\nsecret = \"plain\"\n"),
        &[
            "doors.hooks[0].name: must be 1 to 64 small letters, digits, `_` and `-`",
            &format!("doors.hooks[0].kind: must be one of: {}", kinds.join(", ")),
            "doors.hooks[0].secret: a secret in plain text; write env:NAME or file:PATH, or set \
             allow_literal_secrets = true",
        ],
    );
    assert_mistakes(
        &of("name = \"h\"\nkind = \"kratos\"\ncheck = \"basic\"\nheader = \"x\"\n"),
        &[
            "doors.hooks[0].header: has no effect with `check = \"basic\"`; remove it",
            "doors.hooks[0].user: missing; `check = \"basic\"` needs it",
        ],
    );
    // The header of a kind belongs to its own check.
    assert_mistakes(
        &of("name = \"h\"\nkind = \"zitadel\"\ncheck = \"header\"\n"),
        &["doors.hooks[0].header: missing; `check = \"header\"` needs it"],
    );
    assert_mistakes(
        &of("name = \"h\"\nkind = \"logto\"\nfree_text = true\n"),
        &["doors.hooks[0].free_text: a request of kind `logto` holds no text; set `text`"],
    );
    assert_mistakes(
        &format!(
            "{}[[doors.hooks]]\nsecret = \"env:HOOK\"\nname = \"b\"\nkind = \"hook\"\npath = \
             \"/hooks/a/b\"\n[[doors.hooks]]\nsecret = \"env:HOOK\"\nname = \"c\"\nkind = \
             \"hook\"\npath = \"/v1/hooks\"\n",
            of("name = \"a\"\nkind = \"hook\"\n")
        ),
        &[
            "doors.hooks[2].path: the gateway's own API is below /v1; choose another path",
            "doors.hooks[1].path: is at or below the path of another door, `doors.hooks[0].path`",
        ],
    );
}
