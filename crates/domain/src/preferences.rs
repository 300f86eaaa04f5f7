//! What a member wants to hear of, through which channels, and when not to be disturbed.

use std::collections::BTreeMap;

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::names::named_values;

named_values! {
    /// What a message is about. Security codes and notices of a changed sign-in have no topic: they always come.
    Topic {
        /// Points earned, spent and soon to expire.
        Points = "points",
        /// The tier: what is missing, what changed.
        Tiers = "tiers",
        /// Coupons and rewards.
        Coupons = "coupons",
        /// Events that the member goes to.
        Events = "events",
        /// Proposals and votes.
        Community = "community",
        /// Advertising; wants a consent for its channel besides.
        Offers = "offers",
    }
}

named_values! {
    /// A way to a person.
    NotificationChannel {
        /// A push message to a device.
        Push = "push",
        /// A text message.
        Sms = "sms",
        /// An e-mail.
        Email = "email",
    }
}

/// Hours in which nothing but security codes comes; they may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// From this time on.
    pub from: NaiveTime,
    /// Until this time.
    pub until: NaiveTime,
}

impl QuietHours {
    /// Whether a local time lies in them. From a time until the same time is no time at all.
    #[must_use]
    pub fn contain(&self, time: NaiveTime) -> bool {
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

/// The choices of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// The channels of each topic.
    pub topics: BTreeMap<Topic, Vec<NotificationChannel>>,
    /// When not to be disturbed.
    pub quiet_hours: Option<QuietHours>,
    /// The zone of the quiet hours.
    pub zone: Tz,
}

impl Preferences {
    /// What holds for somebody who chose nothing: push for everything but offers, nights are quiet.
    #[must_use]
    pub fn starting(zone: Tz) -> Self {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        let channels = |topic: &Topic| match topic {
            Topic::Offers => Vec::new(),
            _ => vec![NotificationChannel::Push],
        };
        Self {
            topics: Topic::ALL
                .iter()
                .map(|topic| (*topic, channels(topic)))
                .collect(),
            quiet_hours: Some(QuietHours {
                from: time(22),
                until: time(9),
            }),
            zone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u32, minute: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn quiet_hours_may_span_midnight() {
        let night = QuietHours {
            from: at(22, 0),
            until: at(9, 0),
        };
        for (time, quiet) in [
            (at(21, 59), false),
            (at(22, 0), true),
            (at(0, 0), true),
            (at(8, 59), true),
            (at(9, 0), false),
        ] {
            assert_eq!(night.contain(time), quiet, "{time}");
        }
        let noon = QuietHours {
            from: at(12, 0),
            until: at(13, 0),
        };
        assert!(noon.contain(at(12, 30)) && !noon.contain(at(13, 0)));
        let never = QuietHours {
            from: at(12, 0),
            until: at(12, 0),
        };
        assert!(!never.contain(at(12, 0)));
    }

    #[test]
    fn nobody_gets_advertising_without_asking() {
        let starting = Preferences::starting(chrono_tz::Europe::Moscow);
        assert_eq!(starting.topics.len(), Topic::ALL.len());
        assert!(starting.topics[&Topic::Offers].is_empty());
    }
}
