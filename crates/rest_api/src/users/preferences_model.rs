//! Notification preferences as the member sees and sets them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::NaiveTime;
use domain::preferences::{self, NotificationChannel, QuietHours, Topic};
use http::header;
use http_kit::etag::etag;
use http_kit::problem::Problem;
use serde::{Deserialize, Serialize};
use services::members::VersionedPreferences;
use utoipa::ToSchema;

use crate::wire::{self, field};

/// The channels of one topic.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicChoice {
    /// What the messages are about.
    #[schema(value_type = wire::Topic)]
    pub topic: Topic,
    /// The ways they may come; none: not at all.
    #[schema(value_type = Vec<wire::NotificationChannel>, max_items = 3)]
    pub channels: Vec<NotificationChannel>,
}

/// Hours in which nothing but security codes comes; they may span midnight.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursChoice {
    /// From this time on.
    #[schema(
        max_length = 5,
        pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        example = "22:00"
    )]
    pub from: String,
    /// Until this time.
    #[schema(
        max_length = 5,
        pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$",
        example = "09:00"
    )]
    pub until: String,
}

/// What I want to hear of, and how.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationPreferences {
    /// The channels of each topic; a topic that is left out is switched off. Security codes always come.
    #[schema(max_items = 20)]
    pub topics: Vec<TopicChoice>,
    /// When not to be disturbed; null: never quiet.
    #[schema(required = true)]
    pub quiet_hours: Option<QuietHoursChoice>,
    /// The zone of the quiet hours (IANA).
    #[schema(
        max_length = 64,
        pattern = "^[A-Za-z0-9_+/-]+$",
        example = "Europe/Moscow"
    )]
    pub zone: String,
}

impl NotificationPreferences {
    /// The choices as the services take them.
    ///
    /// # Errors
    /// What is wrong beyond what the schema says.
    pub fn into_choices(self) -> Result<preferences::Preferences, Problem> {
        let zone = self.zone.parse().map_err(|_| {
            field(
                "/zone",
                "invalid_value",
                "not a zone of the IANA list".into(),
            )
        })?;
        let time = |text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| {
                let allowed = "must be a time like 22:00".to_owned();
                field("/quiet_hours", "bad_format", allowed)
            })
        };
        let quiet_hours = self.quiet_hours.map(|hours| {
            Ok::<_, Problem>(QuietHours {
                from: time(&hours.from)?,
                until: time(&hours.until)?,
            })
        });
        let topics = self.topics.into_iter();
        Ok(preferences::Preferences {
            topics: topics.map(|one| (one.topic, one.channels)).collect(),
            quiet_hours: quiet_hours.transpose()?,
            zone,
        })
    }
}

/// The answer: the choices under their version.
pub fn answer(preferences: VersionedPreferences) -> Response {
    let time = |time: NaiveTime| time.format("%H:%M").to_string();
    let choices = preferences.choices;
    let body = NotificationPreferences {
        topics: choices
            .topics
            .into_iter()
            .map(|(topic, channels)| TopicChoice { topic, channels })
            .collect(),
        quiet_hours: choices.quiet_hours.map(|hours| QuietHoursChoice {
            from: time(hours.from),
            until: time(hours.until),
        }),
        zone: choices.zone.name().to_owned(),
    };
    ([(header::ETAG, etag(preferences.version))], Json(body)).into_response()
}
