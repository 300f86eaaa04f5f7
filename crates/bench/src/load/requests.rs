//! The requests of each scenario as bytes. Every one that moves points has a key and a receipt number of its own.

use std::io::Write as _;

use anyhow::Context;
use services::auth::Tokens;
use services::clock::Clock;
use services::ids::IdSource;

use crate::population::{Population, phone, total};
use crate::random::Random;

/// The points that a redemption spends, in hundredths: three lots of those that are laid in.
pub(crate) const SPENT: i64 = 3 * LOT;

/// The points of a lot that is laid in, in hundredths.
pub(crate) const LOT: i64 = 1_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A purchase by a member drawn at random.
    Post,
    /// A purchase that points of three lots pay in part, by the members who joined in turn.
    Redeem,
    /// What a purchase would earn.
    Quote,
    /// What one of the members who joined has.
    Balance,
}

/// What requests are made of.
#[derive(Debug)]
pub(crate) struct Town {
    /// Who buys where.
    pub(crate) population: Population,
    /// The key of each business's till.
    pub(crate) keys: Vec<String>,
    /// The members who joined: the last of all.
    pub(crate) joined: Vec<usize>,
    /// Their access tokens.
    pub(crate) tokens: Vec<String>,
}

impl Town {
    /// The same town after its members' tokens were renewed.
    pub(crate) fn with_tokens(&self, sign_ins: &[Tokens]) -> Self {
        Self {
            population: self.population.clone(),
            keys: self.keys.clone(),
            joined: self.joined.clone(),
            tokens: access_tokens(sign_ins),
        }
    }
}

/// The access token of each sign-in.
pub(crate) fn access_tokens(sign_ins: &[Tokens]) -> Vec<String> {
    let tokens = sign_ins.iter().map(|own| own.access_token.clone());
    tokens.collect()
}

/// The requests of one run.
#[derive(Debug)]
pub(crate) struct Requests {
    scenario: Scenario,
    town: std::sync::Arc<Town>,
    ids: IdSource,
}

impl Requests {
    /// The requests of a scenario.
    pub(crate) fn new(scenario: Scenario, town: std::sync::Arc<Town>) -> Self {
        Self {
            scenario,
            town,
            ids: IdSource::new(Clock::System),
        }
    }

    /// The status that every answer must have.
    pub(crate) fn expected(&self) -> u16 {
        match self.scenario {
            Scenario::Post | Scenario::Redeem => 201,
            Scenario::Quote | Scenario::Balance => 200,
        }
    }

    /// Writes the request of this number.
    ///
    /// # Errors
    /// If there are no members to draw from.
    pub(crate) fn write(
        &self,
        number: u64,
        random: &mut Random,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let town = &*self.town;
        let turn = || -> anyhow::Result<usize> {
            let count = u64::try_from(town.joined.len())?;
            let place = number.checked_rem(count).context("nobody has joined")?;
            Ok(usize::try_from(place)?)
        };
        match self.scenario {
            Scenario::Post => {
                let member = town.population.member(random);
                self.purchase("transactions", member, None, random, out)
            }
            Scenario::Redeem => {
                let member = town.joined[turn()?];
                self.purchase("transactions", member, Some(SPENT), random, out)
            }
            Scenario::Quote => {
                let member = town.population.member(random);
                self.purchase("loyalty/quote", member, None, random, out)
            }
            Scenario::Balance => {
                let token = &town.tokens[random.index(town.tokens.len())];
                write!(
                    out,
                    "GET /api/v1/loyalty/balance HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n\r\n"
                )?;
                Ok(())
            }
        }
    }

    fn purchase(
        &self,
        path: &str,
        member: usize,
        points: Option<i64>,
        random: &mut Random,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let key = &self.town.keys[self.town.population.business(random)];
        let id = self.ids.uuid();
        let points = points.map_or_else(String::new, |points| format!(",\"points\":{points}"));
        let body = format!(
            "{{\"receipt_number\":\"{id}\",\"member\":{{\"phone\":\"{}\"}},\"total\":{}{points}}}",
            phone(member),
            total(random),
        );
        write!(
            out,
            "POST /api/v1/{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
             idempotency-key: {id}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn requests_differ_and_say_how_long_they_are() {
        let town = Arc::new(Town {
            population: Population::new(1_000, 2),
            keys: vec!["ock_a".to_owned(), "ock_b".to_owned()],
            joined: vec![998, 999],
            tokens: vec!["t".to_owned()],
        });
        let mut random = Random::new(1);
        let mut write = |scenario, number| {
            let mut out = Vec::new();
            Requests::new(scenario, Arc::clone(&town))
                .write(number, &mut random, &mut out)
                .expect("a request");
            String::from_utf8(out).expect("text")
        };
        assert_ne!(write(Scenario::Post, 0), write(Scenario::Post, 0));
        let redeemed = write(Scenario::Redeem, 3);
        let (head, body) = redeemed.split_once("\r\n\r\n").expect("a body");
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert!(body.contains(&phone(999)) && body.contains("\"points\":3000"));
        assert!(write(Scenario::Balance, 0).ends_with("Bearer t\r\n\r\n"));
        assert!(write(Scenario::Quote, 0).starts_with("POST /api/v1/loyalty/quote "));
    }
}
