//! `[doors.vonage]`

use std::path::PathBuf;
use std::time::Duration;

use otpmux_core::Purpose;
use otpmux_core::settings::{Section as _, parses};
use serde_json::{Map, Value};

use super::check_path;
use crate::config::reading::Reading;
use crate::config::sections::{Keys, names};
use crate::config::server::ServerConfig;

otpmux_core::settings! {
    /// A door for clients of Vonage Verify v2: the section `[doors.vonage]`.
    #[derive(Clone, Debug)]
    pub struct VonageDoor {
        /// The path below which the door is: with `/vonage`, clients use the host `HOST/vonage`. A
        /// reload does not change it.
        pub path: String = "/vonage".to_owned(), text().check(check_path), example "/verify";
        /// The user name of clients that authenticate without an application. Their password is an
        /// API key of the gateway. Absent: any user name.
        pub api_key: Option<String> = None, text(), example "abcd1234";
        /// How long a token of an application may live, from its `iat` to its `exp`: it can be used
        /// again as long.
        pub token_ttl: Duration = Duration::from_mins(15),
            duration(Duration::from_mins(1)..=Duration::from_hours(24)), example "1h";
        /// Whether a workflow of several channels goes on by itself: by its next channel, with the
        /// same code, when `channel_timeout` is over and no code was typed. If not, it goes on only
        /// by `next_workflow`, or as the route says.
        pub escalate: bool = true, flag(), example false;
        /// The purpose of verifications. Absent: the default purpose.
        pub purpose: Option<Purpose> = None, text().check(parses::<Purpose>), example "login";
        plain {
            /// The applications whose clients may authenticate by a token (JWT).
            pub applications: Vec<VonageApplication> = Vec::new();
        }
    }
}

otpmux_core::settings! {
    /// An application whose clients authenticate by a token (JWT, RS256).
    #[derive(Clone, Debug)]
    pub struct VonageApplication {
        /// The id of the application, as in the claim `application_id` of its tokens.
        pub id: Option<String> = None, text().required(),
            example "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab";
        /// Files with the public keys of the application, in PEM: a token of any of them is
        /// accepted. Read again on a reload.
        pub public_keys: Vec<String> = Vec::new(), list().required(),
            example ["/etc/otpmux/vonage.pem"];
        /// The name of the API key under [[server.api_keys]] whose rights and limits the clients
        /// have.
        pub caller: Option<String> = None, text().required(), example "web";
        /// The purpose of verifications. Absent: the door's.
        pub purpose: Option<Purpose> = None, text().check(parses::<Purpose>), example "login";
    }
}

pub(super) const KEYS: Keys = <VonageDoor as otpmux_core::settings::Section>::KEYS;
pub(super) const APPLICATIONS: (&str, &str, Keys) = (
    "applications",
    "The applications whose clients may authenticate by a token (JWT).",
    <VonageApplication as otpmux_core::settings::Section>::KEYS,
);

impl VonageApplication {
    /// Returns the files with the public keys.
    pub fn key_files(&self) -> impl Iterator<Item = PathBuf> {
        self.public_keys.iter().map(PathBuf::from)
    }
}

pub(super) fn read(
    table: &Map<String, Value>,
    server: Option<&ServerConfig>,
    cx: &mut Reading<'_>,
) -> VonageDoor {
    let (list, ..) = APPLICATIONS;
    let known: Vec<_> = names(KEYS).chain([list]).collect();
    cx.unknown_keys("doors.vonage", table, &known);
    let mut own = table.clone();
    own.retain(|key, _| known.contains(&key.as_str()));
    let applications = own.remove(list);
    let mut door = VonageDoor::default();
    cx.apply("doors.vonage", &own, &mut door);
    let tables = cx.tables("doors.vonage.applications", applications.as_ref()).unwrap_or_default();
    for (path, table) in tables {
        let mut application = VonageApplication::default();
        cx.apply(&path, table, &mut application);
        if door.applications.iter().any(|other| other.id == application.id) {
            cx.mistake(format!("{path}.id"), "another application has this id already");
        }
        let keys = server.map(|server| &*server.api_keys).unwrap_or_default();
        if let Some(caller) = &application.caller
            && !keys.iter().any(|key| key.name == *caller)
        {
            let message = "no key under [[server.api_keys]] has this name";
            cx.mistake(format!("{path}.caller"), message);
        }
        door.applications.push(application);
    }
    door
}

pub(super) fn table(door: &VonageDoor) -> Map<String, Value> {
    let mut table = door.changed();
    let applications: Vec<Value> =
        door.applications.iter().map(|application| application.changed().into()).collect();
    if !applications.is_empty() {
        table.insert(APPLICATIONS.0.to_owned(), applications.into());
    }
    table
}
