//! Makes a catalog of the settings: parses every text once, and adds what every message of a
//! channel has.

use otpmux_core::settings::{ConfigError, Section as _};
use otpmux_core::{Channel, Code, Dlt, Purpose};

use super::builtin::{BUILTIN, Builtin};
use super::catalog::{ByChannel, Catalog, Localized, Texts};
use super::options::{Longest, last_line};
use super::settings::DltIds;
use super::template::{Part, Template};
use super::{ChannelText, Locale, LocalizedText, MessageSettings, SmsEncoding, SmsSize, check};

/// The channels whose texts are made in advance, besides those that a text names.
const CHANNELS: [Channel; 4] = [Channel::Sms, Channel::Voice, Channel::Email, Channel::WhatsApp];

/// Returns the catalog, or every mistake in the settings.
pub(super) fn compile(settings: &MessageSettings) -> Result<Catalog, Vec<ConfigError>> {
    let mut compiler = Compiler::new(settings);
    check::settings(settings, &mut compiler.mistakes);
    let builtin = compiler.builtin();
    let mut own = Vec::new();
    for (purpose, texts) in &settings.texts {
        let mut localized = Vec::new();
        for (locale, text) in texts {
            let path = format!("texts.{purpose}.{locale}");
            if let Some(text) = compiler.localized(&path, purpose, locale, text) {
                localized.push((locale.clone(), text));
            }
        }
        own.push((purpose, localized));
    }
    if !compiler.mistakes.is_empty() {
        return Err(compiler.mistakes);
    }
    let of = |purpose: &Purpose| {
        let own = |wanted: &Purpose| {
            own.iter().find(|(of, _)| *of == wanted).map(|(_, localized)| localized)
        };
        let texts = own(purpose).or_else(|| own(&Purpose::default())).unwrap_or(&builtin);
        let mut localized = Localized { texts: texts.clone(), default: Locale::default() };
        localized.default = default_of(&settings.default_locale, &localized);
        for (locale, by_channel) in &mut localized.texts {
            beside(settings, purpose, locale, by_channel);
        }
        localized
    };
    let mut purposes: Vec<(Purpose, Localized)> = Vec::new();
    for purpose in settings.texts.keys().chain(settings.templates.keys()).chain(settings.dlt.keys())
    {
        if !purposes.iter().any(|(known, _)| known == purpose) {
            purposes.push((purpose.clone(), of(purpose)));
        }
    }
    Ok(Catalog {
        app: settings.app.clone().unwrap_or_default(),
        purposes,
        others: of(&Purpose::default()),
        hints: compiler.hints,
        settings: settings.clone(),
    })
}

/// The locale of readers without one. A purpose was checked to have a text for the configured one;
/// built-in texts have English.
fn default_of(wanted: &Locale, localized: &Localized) -> Locale {
    wanted.best(localized.locales()).cloned().unwrap_or_default()
}

/// Adds what vendors need beside the text.
fn beside(settings: &MessageSettings, purpose: &Purpose, locale: &Locale, into: &mut ByChannel) {
    let default = Purpose::default();
    let templates = settings.templates.get(purpose).or_else(|| settings.templates.get(&default));
    into.templates = templates.cloned().unwrap_or_default();
    let own = settings.texts.get(purpose).or_else(|| settings.texts.get(&default));
    let own = own.and_then(|texts| texts.get(locale));
    if let Some(own) = own {
        into.templates.extend(own.templates.clone());
    }
    into.dlt = dlt_of(settings, purpose).and_then(|ids| {
        let template_id = own.and_then(|own| own.dlt_template_id.clone());
        let template_id = template_id.or_else(|| ids.template_id.clone())?;
        Some(Dlt::new(ids.entity_id.clone()?, template_id))
    });
}

fn dlt_of<'a>(settings: &'a MessageSettings, purpose: &Purpose) -> Option<&'a DltIds> {
    settings.dlt.get(purpose).or_else(|| settings.dlt.get(&Purpose::default()))
}

/// The texts of a locale or of a channel, parsed.
#[derive(Default)]
struct Parsed {
    text: Option<Template>,
    subject: Option<Template>,
    html: Option<Template>,
    speech: Option<Template>,
}

struct Compiler<'a> {
    settings: &'a MessageSettings,
    last_line: Option<Template>,
    mistakes: Vec<ConfigError>,
    hints: Vec<String>,
}

impl<'a> Compiler<'a> {
    fn new(settings: &'a MessageSettings) -> Self {
        let last_line = last_line(settings);
        Self { settings, last_line, mistakes: Vec::new(), hints: Vec::new() }
    }

    /// Makes the built-in texts, and a hint if some of them are too long with these settings.
    fn builtin(&mut self) -> Vec<(Locale, ByChannel)> {
        let (mut long, mut silent) = (Vec::new(), Vec::new());
        let mut texts = Vec::new();
        for one in BUILTIN {
            // The table is tested: every text and every tag is valid.
            let parse = |text: &str| Template::parse(text, &[]).ok();
            let base = Parsed {
                text: parse(one.text),
                subject: parse(one.subject),
                html: None,
                speech: parse(one.speech),
            };
            let sentence = parse(one.do_not_share).filter(|_| self.settings.do_not_share);
            let Ok(locale) = one.locale.parse::<Locale>() else { continue };
            let mut by_channel = ByChannel::default();
            for channel in CHANNELS {
                let (made, longest) = self.channel(Some(&channel), &base, None, sentence.as_ref());
                if let Some(longest) = longest {
                    let said = |sentence| is_said(&made.text, sentence);
                    if !longest.fits(self.settings) {
                        long.push(one.locale);
                    } else if self.last_line.is_none() && !sentence.as_ref().is_none_or(said) {
                        silent.push(one.locale);
                    }
                }
                by_channel.channels.push((channel, made));
            }
            by_channel.others = self.channel(None, &base, None, sentence.as_ref()).0;
            texts.push((locale, by_channel));
        }
        let what =
            ["are longer than an SMS should be", "have no room for the sentence not to share"];
        for (locales, what) in [long, silent].into_iter().zip(what) {
            if !locales.is_empty() && !self.settings.texts.contains_key(&Purpose::default()) {
                self.hints.push(format!(
                    "messages: the built-in texts in {} {what}; shorten `app`, or set texts under \
                     [messages.texts.default]",
                    locales.join(", ")
                ));
            }
        }
        texts
    }

    /// Makes the texts of a purpose in a locale; `None` if one of them has a mistake.
    fn localized(
        &mut self,
        path: &str,
        purpose: &Purpose,
        locale: &Locale,
        raw: &LocalizedText,
    ) -> Option<ByChannel> {
        let before = self.mistakes.len();
        if raw.text.is_none() {
            self.mistakes.push(ConfigError::new(format!("{path}.text"), "missing; it is required"));
        }
        let mut base = Parsed {
            text: self.parsed(path, "text", raw.text.as_deref()),
            subject: self.parsed(path, "subject", raw.subject.as_deref()),
            html: self.parsed(path, "html", raw.html.as_deref()),
            speech: self.parsed(path, "speech", raw.speech.as_deref()),
        };
        let language = builtin_for(locale);
        base.subject = base.subject.or_else(|| {
            let subject = language.map_or("{app}", |language| language.subject);
            Template::parse(subject, &[]).ok()
        });
        let sentence = self.sentence(path, purpose, locale, raw);
        let mut own = Vec::new();
        for (channel, raw) in &raw.channels {
            own.push((channel, self.channel_texts(&format!("{path}.{channel}"), raw)));
        }
        if self.mistakes.len() > before {
            return None;
        }
        let mut by_channel = ByChannel::default();
        let others = raw.channels.keys().filter(|channel| !CHANNELS.contains(channel));
        for channel in CHANNELS.iter().chain(others) {
            let of_channel = own.iter().find(|(of, _)| *of == channel).map(|(_, parsed)| parsed);
            let (made, longest) = self.channel(Some(channel), &base, of_channel, sentence.as_ref());
            if let Some(longest) = longest {
                let own_text = of_channel.is_some_and(|own| own.text.is_some());
                let at = if own_text {
                    format!("{path}.{channel}.text")
                } else {
                    format!("{path}.text")
                };
                self.judge(&at, &made.text, longest, sentence.as_ref());
            }
            by_channel.channels.push((channel.clone(), made));
        }
        by_channel.others = self.channel(None, &base, None, sentence.as_ref()).0;
        (self.mistakes.len() == before).then_some(by_channel)
    }

    fn channel_texts(&mut self, path: &str, raw: &ChannelText) -> Parsed {
        if *raw == ChannelText::default() {
            let keys: Vec<_> = ChannelText::keys().map(|key| key.name).collect();
            let message = format!("is empty; set one of {}, or remove it", keys.join(", "));
            self.mistakes.push(ConfigError::new(path, message));
        }
        Parsed {
            text: self.parsed(path, "text", raw.text.as_deref()),
            subject: self.parsed(path, "subject", raw.subject.as_deref()),
            html: self.parsed(path, "html", raw.html.as_deref()),
            speech: self.parsed(path, "speech", raw.speech.as_deref()),
        }
    }

    /// Parses and checks one text.
    fn parsed(&mut self, path: &str, key: &str, raw: Option<&str>) -> Option<Template> {
        let path = format!("{path}.{key}");
        let mistake = |message| ConfigError::new(&path, message);
        let variables: Vec<_> = self.settings.variables.keys().map(String::as_str).collect();
        let template = match Template::parse(raw?, &variables) {
            Ok(template) => template,
            Err(messages) => {
                self.mistakes.extend(messages.into_iter().map(mistake));
                return None;
            }
        };
        let found = check::text(key, &template, self.settings);
        let right = found.is_empty();
        self.mistakes.extend(found.into_iter().map(mistake));
        right.then_some(template)
    }

    /// The sentence that says not to share, with the space before it; `None` if the texts of this
    /// purpose get none.
    fn sentence(
        &mut self,
        path: &str,
        purpose: &Purpose,
        locale: &Locale,
        raw: &LocalizedText,
    ) -> Option<Template> {
        // The text of a purpose with DLT ids is registered word for word.
        let registered = dlt_of(self.settings, purpose).is_some();
        if !self.settings.do_not_share || registered {
            if raw.do_not_share.is_some() {
                let message = if registered {
                    "is not added to a text with DLT ids, which is sent as it is registered; write \
                     it into the text"
                } else {
                    "has no effect, because `do_not_share` under [messages] is false"
                };
                self.mistakes.push(ConfigError::new(format!("{path}.do_not_share"), message));
            }
            return None;
        }
        if let Some(own) = &raw.do_not_share {
            let mut sentence = Template::default();
            sentence.literal(" ");
            sentence.append(&self.parsed(path, "do_not_share", Some(own))?);
            return Some(sentence);
        }
        let Some(language) = builtin_for(locale) else {
            let message = "missing; there is no built-in sentence in this language that says not to \
                           share the code. Write one, or set do_not_share = false under [messages]";
            self.mistakes.push(ConfigError::new(format!("{path}.do_not_share"), message));
            return None;
        };
        Template::parse(language.do_not_share, &[]).ok()
    }

    /// Makes the texts of a channel, and the longest size of an SMS.
    fn channel(
        &self,
        channel: Option<&Channel>,
        base: &Parsed,
        own: Option<&Parsed>,
        sentence: Option<&Template>,
    ) -> (Texts, Option<Longest>) {
        let pick = |of: fn(&Parsed) -> &Option<Template>| {
            own.and_then(|own| of(own).clone()).or_else(|| of(base).clone())
        };
        let plain = pick(|parsed| &parsed.text).unwrap_or_default();
        let with = |sentence: Option<&Template>, line: Option<&Template>| {
            let mut text = plain.clone();
            let said = sentence.is_some_and(|sentence| is_said(&plain, sentence));
            for part in [sentence.filter(|_| !said), line].into_iter().flatten() {
                text.append(part);
            }
            text
        };
        let (mut texts, mut longest) = (Texts::default(), None);
        match channel {
            Some(Channel::Sms) => {
                let line = self.last_line.as_ref();
                texts.text = with(sentence, line);
                let mut size = self.longest(&texts.text);
                if !size.fits(self.settings) {
                    let short = with(None, line);
                    let of_short = self.longest(&short);
                    if of_short.fits(self.settings) || !size.android_reads_it(self.settings) {
                        (texts.text, size) = (short, of_short);
                    }
                }
                longest = Some(size);
            }
            _ => texts.text = with(sentence, None),
        }
        if channel == Some(&Channel::Email) {
            texts.subject = pick(|parsed| &parsed.subject);
            texts.html = pick(|parsed| &parsed.html);
        }
        if channel.is_none_or(|channel| *channel == Channel::Voice) {
            texts.speech = Some(twice(pick(|parsed| &parsed.speech).unwrap_or(plain)));
        }
        (texts, longest)
    }

    /// The largest size of an SMS: each name of the service, each variable as long as it may be.
    fn longest(&self, template: &Template) -> Longest {
        self.longest_with(template, "x")
    }

    fn longest_with(&self, template: &Template, letter: &str) -> Longest {
        let apps = self.settings.app.iter().chain(&self.settings.brands);
        let sizes = apps.map(|app| {
            let text = template.filled(|part| match part {
                Part::Code => "0".repeat(usize::from(Code::MAX_LENGTH)),
                Part::Minutes => "10".to_owned(),
                Part::Variable(name) => {
                    let most = self.settings.variables.get(name).map_or(0, |it| it.max);
                    letter.repeat(most as usize)
                }
                Part::App | Part::Literal(_) => app.clone(),
            });
            Longest { sms: SmsSize::of(&text), bytes: text.len() }
        });
        let most = sizes.max_by_key(|size| (size.sms.segments, size.sms.units, size.bytes));
        most.unwrap_or(Longest { sms: SmsSize::of(""), bytes: 0 })
    }

    /// Reports an SMS that is too long with its longest values.
    fn judge(&mut self, at: &str, text: &Template, longest: Longest, sentence: Option<&Template>) {
        let (settings, size) = (self.settings, longest.sms);
        if !longest.android_reads_it(settings) {
            let message = format!(
                "has {} bytes with the longest values and the Android hash; Android reads messages of \
                 at most {} bytes",
                longest.bytes,
                super::options::ANDROID_BYTES
            );
            self.mistakes.push(ConfigError::new(at, message));
        }
        let allowed = settings.allow_segments as usize;
        if size.segments > allowed {
            let (segments, units) = (size.segments, size.units);
            let encoding = match size.encoding {
                SmsEncoding::Gsm7 => "GSM-7",
                SmsEncoding::Ucs2 => "UCS-2",
            };
            self.hints.push(format!(
                "messages.{at} needs {segments} SMS segments with the longest values ({units} units \
                 of {encoding}), and each is paid: shorten it, or set allow_segments = {segments}"
            ));
        } else if text.variables().next().is_some() {
            let other = self.longest_with(text, "ж").sms;
            if other.segments > allowed {
                self.hints.push(format!(
                    "messages.{at} needs {} SMS segments if a value has a letter that GSM-7 does not \
                     have, such as ł or ж: shorten the text or the variables, or set allow_segments \
                     = {}",
                    other.segments, other.segments
                ));
            }
        }
        if let Some(sentence) = sentence
            && !is_said(text, sentence)
        {
            self.hints.push(format!(
                "messages.{at} has no room for the sentence that says not to share the code: shorten \
                 the text"
            ));
        }
    }
}

/// Whether a text has a sentence already.
fn is_said(text: &Template, sentence: &Template) -> bool {
    let literal = |template: &Template| template.filled(|part| format!("{{{part:?}}}"));
    literal(text).contains(literal(sentence).trim())
}

/// A listener must be able to write along: a text that says the code once is said twice.
fn twice(mut speech: Template) -> Template {
    if speech.codes() == 1 {
        let once = speech.clone();
        speech.literal(" ");
        speech.append(&once);
    }
    speech
}

/// The built-in texts of a language.
fn builtin_for(locale: &Locale) -> Option<&'static Builtin> {
    let tags: Vec<Locale> = BUILTIN.iter().filter_map(|one| one.locale.parse().ok()).collect();
    let best = locale.best(tags.iter())?;
    BUILTIN.iter().find(|one| one.locale == best.as_str())
}
