//! An emulator that plays one folder of golden files.

use std::path::Path;
use std::time::{Duration, SystemTime};

use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use serde_json::Value;

pub(crate) struct Rig {
    pub(crate) emulator: Emulator,
    pub(crate) vendor: Vendor,
    client: reqwest::Client,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Rig {
    pub(crate) async fn start(name: &str, folder: &Path) -> Self {
        let config = EmulatorConfig::default()
            .with_vendors([])
            .with_replay(name, folder)
            .with_frozen_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_771_151_400));
        let emulator = Emulator::start(config).await.unwrap();
        let vendor = emulator.vendor(name).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { emulator, vendor, client }
    }

    /// A JSON request; null sends no body.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.ask_with(method, path, "application/json", body).await
    }

    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: String,
    ) -> Answer {
        let url = format!("{}{path}", self.emulator.base_url(self.vendor));
        let request = self.client.request(method.parse().unwrap(), url);
        let response = request.header("content-type", media).body(body).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// A request to the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("http://{}/_emulator{path}", self.emulator.addr());
        let request = self.client.request(method.parse().unwrap(), url);
        let response = request.body(body.to_string()).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }
}
