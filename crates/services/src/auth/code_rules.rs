//! What bounds the sending of one-time codes, and the numbers with which an app store tries the app out.

use chrono::{DateTime, TimeDelta, Utc};
use domain::phone::Phone;

/// A phone for which a code stands in the configuration: nothing is sent to it, and its points are never spent.
#[derive(Clone, PartialEq, Eq)]
pub struct TestNumber {
    /// The phone.
    pub phone: Phone,
    /// Its code.
    pub code: String,
}

impl std::fmt::Debug for TestNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TestNumber({})", self.phone)
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRules {
    /// Codes of the whole programme in an hour.
    pub hourly_budget: u32,
    /// Codes of the whole programme in a day.
    pub daily_budget: u32,
    /// Codes for one network in five minutes.
    pub per_network: u32,
    /// Codes for one device in an hour.
    pub per_device: u32,
    /// Codes for one prefix (a number less its last four digits) in an hour.
    pub per_prefix: u32,
    /// Codes for one country in an hour.
    pub per_region: u32,
    /// When so many codes of a prefix or country were sent, it is looked at how many came back.
    pub brake_after: u32,
    /// The hash by which Android's SMS Retriever finds the app, eleven characters.
    pub app_hash: Option<String>,
    /// Numbers for tests.
    pub test_numbers: Vec<TestNumber>,
    /// From then on they are numbers like all others.
    pub test_numbers_until: Option<DateTime<Utc>>,
}

impl Default for CodeRules {
    fn default() -> Self {
        Self {
            hourly_budget: 1000,
            daily_budget: 10_000,
            per_network: 30,
            per_device: 10,
            per_prefix: 10,
            per_region: 1000,
            brake_after: 20,
            app_hash: None,
            test_numbers: Vec::new(),
            test_numbers_until: None,
        }
    }
}

impl CodeRules {
    /// For how long numbers for tests may be set at most.
    pub const TEST_NUMBERS_FOR: TimeDelta = TimeDelta::days(30);

    /// Without caps but those of each phone: for measuring, and for tests of something else.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            hourly_budget: u32::MAX,
            daily_budget: u32::MAX,
            per_network: u32::MAX,
            per_device: u32::MAX,
            per_prefix: u32::MAX,
            per_region: u32::MAX,
            brake_after: u32::MAX,
            ..Self::default()
        }
    }

    /// The code of a number for tests, while that is one.
    #[must_use]
    pub fn test_code(&self, phone: &Phone, now: DateTime<Utc>) -> Option<&str> {
        // Nobody sets an end too late and forgets it: what lies too far ahead counts as missing.
        let until = self.test_numbers_until?;
        if now >= until || until - now > Self::TEST_NUMBERS_FOR {
            return None;
        }
        let found = self.test_numbers.iter().find(|test| test.phone == *phone);
        found.map(|test| test.code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use domain::phone::Region;

    use super::*;

    #[test]
    fn a_number_is_for_tests_until_its_day_and_never_for_long() {
        let phone = |text| Phone::parse(text, Region::RU).unwrap();
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let rules = |until| CodeRules {
            test_numbers: vec![TestNumber {
                phone: phone("+79160000001"),
                code: "123456".into(),
            }],
            test_numbers_until: until,
            ..CodeRules::default()
        };
        let day = TimeDelta::days(1);
        let code = |until, text| rules(until).test_code(&phone(text), now).map(str::to_owned);
        let ours = "+79160000001";
        assert_eq!(code(Some(now + day), ours).as_deref(), Some("123456"));
        assert_eq!(code(Some(now + day), "+79160000002"), None);
        assert_eq!(code(Some(now), ours), None);
        assert_eq!(code(Some(now + day * 31), ours), None);
        assert_eq!(code(None, ours), None);
        assert!(!format!("{:?}", rules(None)).contains("123456"));
    }
}
