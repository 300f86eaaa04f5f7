//! The ladder of status tiers and a member's way up.

use serde::{Deserialize, Serialize};

use super::validity::Validity;
use crate::money::BasisPoints;

/// What counts toward a tier, over the programme's window and across all businesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierMeasure {
    /// Money paid, less refunds; hundredths of the currency.
    NetSpend,
    /// Points earned, less those taken back; hundredths of a point.
    PointsEarned,
}

/// One step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Its code.
    pub code: String,
    /// Its place, from 0 upwards.
    pub level: i16,
    /// Russian name.
    pub name_ru: String,
    /// English name.
    pub name_en: String,
    /// The measure from which a member is here; the lowest tier has 0.
    pub threshold: i64,
    /// What base earning is multiplied by.
    pub multiplier: BasisPoints,
    /// How long base points live, where it differs from the programme's.
    pub validity: Option<Validity>,
}

/// All tiers, lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder(Vec<Tier>);

/// Why a list of tiers is no ladder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LadderError {
    /// There must be 1 to 20 tiers.
    #[error("a ladder has 1 to 20 tiers")]
    Count,
    /// Codes must be codes and differ.
    #[error("tier {0}: the code must be unique, of small Latin letters, digits and underscores")]
    Code(usize),
    /// Thresholds must start at zero and rise.
    #[error("tier {0}: thresholds start at 0 and rise")]
    Threshold(usize),
    /// Names must not be empty or long.
    #[error("tier {0}: names have 1 to 60 characters")]
    Name(usize),
    /// The multiplier or the validity is out of range.
    #[error(
        "tier {0}: the multiplier is 0 to 1000000 basis points, the validity as in the settings"
    )]
    Perk(usize),
}

impl Ladder {
    /// A ladder from its tiers, lowest first; levels are given by their order.
    ///
    /// # Errors
    /// [`LadderError`] names the tier that breaks the order.
    pub fn new(mut tiers: Vec<Tier>) -> Result<Self, LadderError> {
        if tiers.is_empty() || tiers.len() > 20 {
            return Err(LadderError::Count);
        }
        let mut below: Option<i64> = None;
        for index in 0..tiers.len() {
            let duplicate = tiers[..index].iter().any(|t| t.code == tiers[index].code);
            let tier = &mut tiers[index];
            tier.level = i16::try_from(index).map_err(|_| LadderError::Count)?;
            let named = |name: &str| (1..=60).contains(&name.trim().chars().count());
            if duplicate || !crate::programme::is_code(&tier.code) {
                return Err(LadderError::Code(index));
            }
            if !named(&tier.name_ru) || !named(&tier.name_en) {
                return Err(LadderError::Name(index));
            }
            if below.map_or(tier.threshold != 0, |below| tier.threshold <= below) {
                return Err(LadderError::Threshold(index));
            }
            if tier.multiplier.get() > 1_000_000 || !tier.validity.is_none_or(Validity::is_sane) {
                return Err(LadderError::Perk(index));
            }
            below = Some(tier.threshold);
        }
        Ok(Self(tiers))
    }

    /// The ladder that a new programme starts with.
    ///
    /// # Panics
    /// Never: the ladder below is one.
    #[must_use]
    pub fn starting() -> Self {
        let tier = |code: &str, ru: &str, en: &str, threshold, multiplier| Tier {
            code: code.to_owned(),
            level: 0,
            name_ru: ru.to_owned(),
            name_en: en.to_owned(),
            threshold,
            multiplier: BasisPoints::new(multiplier),
            validity: None,
        };
        Self::new(vec![
            tier("insider", "Свой", "Insider", 0, 10_000),
            tier("vip", "VIP", "VIP", 3_000_000, 12_000),
            tier("elite", "Элита", "Elite", 10_000_000, 15_000),
            tier(
                "inner_circle",
                "Ближний круг",
                "Inner Circle",
                30_000_000,
                20_000,
            ),
        ])
        .expect("a ladder")
    }

    /// All tiers, lowest first.
    #[must_use]
    pub fn tiers(&self) -> &[Tier] {
        &self.0
    }

    /// The tier of that code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Tier> {
        self.0.iter().find(|tier| tier.code == code)
    }

    /// The lowest tier, where everybody starts.
    #[must_use]
    pub fn lowest(&self) -> &Tier {
        &self.0[0]
    }

    /// The highest tier that a measure reaches.
    #[must_use]
    pub fn reached_by(&self, measure: i64) -> &Tier {
        self.0
            .iter()
            .rev()
            .find(|tier| measure >= tier.threshold)
            .unwrap_or_else(|| self.lowest())
    }

    /// The tier above, if there is one.
    #[must_use]
    pub fn above(&self, tier: &Tier) -> Option<&Tier> {
        self.0.iter().find(|other| other.level > tier.level)
    }

    /// The tier after a purchase: up at once, never down.
    #[must_use]
    pub fn upgraded<'a>(&'a self, current: &'a Tier, measure: i64) -> &'a Tier {
        let reached = self.reached_by(measure);
        if reached.level > current.level {
            reached
        } else {
            current
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_at_once_never_down() {
        let ladder = Ladder::starting();
        let vip = ladder.get("vip").expect("a tier");
        assert_eq!(ladder.upgraded(ladder.lowest(), 10_000_000).code, "elite");
        assert_eq!(ladder.upgraded(vip, 0).code, "vip");
        assert_eq!(ladder.above(vip).map(|t| t.code.as_str()), Some("elite"));
        assert_eq!(ladder.reached_by(-5).code, "insider");
    }

    #[test]
    fn thresholds_rise_from_zero() {
        let mut tiers = Ladder::starting().tiers().to_vec();
        tiers[2].threshold = tiers[1].threshold;
        assert_eq!(Ladder::new(tiers.clone()), Err(LadderError::Threshold(2)));
        tiers[0].threshold = 1;
        assert_eq!(Ladder::new(tiers), Err(LadderError::Threshold(0)));
    }
}
