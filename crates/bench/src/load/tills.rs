//! The requests of tills and members to our own service. Every one that moves points has a key and a receipt number of
//! its own. What is the same for all requests of a business or a member is prepared once.

use std::sync::Arc;

use services::auth::Tokens;

use super::Requests;
use super::writing::{Id, Ids, digits, push_number};
use crate::population::{Population, phone, small_total, total};
use crate::random::Random;

/// The points of a lot that is laid in, in hundredths.
pub(crate) const LOT: usize = 500;

/// The points that a redemption spends, in hundredths: three lots of those that are laid in.
pub(crate) const SPENT: usize = 3 * LOT;

/// The points that a mixed purchase spends, in hundredths.
const SPENT_OF_A_STOCK: usize = 200;

/// One of so many mixed purchases spends points.
const ONE_SPENDS_OF: usize = 5;

/// The share of the one member who is at many tills at once.
const HOT_MEMBER: f64 = 0.08;

/// The share of the business with half of all traffic.
const HOT_BUSINESS: f64 = 0.5;

/// Who is at many tills at once: neither in the hottest block nor in a rare one.
const HOT_MEMBER_NUMBER: usize = 5_050;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A purchase by a member drawn at random.
    Post,
    /// The same, and in one of five points pay a part, by a member who has a stock of them.
    PostMixed,
    /// As [`Scenario::Post`], one member making eight percent of it.
    PostHotMember,
    /// As [`Scenario::Post`], one business making half of it.
    PostHotBusiness,
    /// A purchase that points of three lots pay in part, by some of the members who joined in turn.
    Redeem,
    /// What a purchase would earn.
    Quote,
    /// What one of the members who joined has.
    Balance,
    /// The same, past every cache.
    BalanceAnew,
    /// The newest page of the movements of one of the members who joined.
    History,
}

/// What requests are made of.
#[derive(Debug)]
pub(crate) struct Town {
    /// Who buys where.
    pub(crate) population: Population,
    /// The key of each business's till.
    pub(crate) keys: Vec<String>,
    /// The access tokens of the members who joined.
    pub(crate) tokens: Vec<String>,
}

impl Town {
    /// The same town after its members' tokens were renewed.
    pub(crate) fn with_tokens(&self, sign_ins: &[Tokens]) -> Self {
        Self {
            population: self.population.clone(),
            keys: self.keys.clone(),
            tokens: access_tokens(sign_ins),
        }
    }
}

/// The access token of each sign-in.
pub(crate) fn access_tokens(sign_ins: &[Tokens]) -> Vec<String> {
    let tokens = sign_ins.iter().map(|own| own.access_token.clone());
    tokens.collect()
}

/// The requests of one load.
#[derive(Debug)]
pub(crate) struct Tills {
    scenario: Scenario,
    town: Arc<Town>,
    ids: Ids,
    /// By business, or by member who joined: all until the request's own key.
    heads: Vec<Vec<u8>>,
    /// The phones of all members.
    phones: Vec<u8>,
    phone_length: usize,
}

/// A purchase as it is asked for.
#[derive(Clone, Copy, Debug)]
struct Purchase {
    business: usize,
    member: usize,
    total: usize,
    points: Option<usize>,
}

impl Tills {
    /// The requests of a scenario.
    pub(crate) fn new(scenario: Scenario, town: Arc<Town>) -> Self {
        let members = usize::try_from(town.population.members()).unwrap_or(0);
        let heads = match scenario {
            Scenario::Balance => reading(&town, "balance", ""),
            Scenario::BalanceAnew => reading(&town, "balance", "cache-control: no-cache\r\n"),
            Scenario::History => reading(&town, "history?limit=50", ""),
            Scenario::Quote => asking(&town, "loyalty/quote"),
            _ => asking(&town, "transactions"),
        };
        Self {
            scenario,
            ids: Ids::new(),
            heads,
            phones: (0..members)
                .flat_map(|member| phone(member).into_bytes())
                .collect(),
            phone_length: phone(0).len(),
            town,
        }
    }

    /// One purchase with a key that is told too.
    pub(crate) fn one(&self, random: &mut Random, out: &mut Vec<u8>) -> Id {
        let id = self.ids.next(random);
        let purchase = self.plain(random);
        self.purchase(&purchase, &id, out);
        id
    }

    fn plain(&self, random: &mut Random) -> Purchase {
        Purchase {
            business: self.town.population.business(random),
            member: self.town.population.member(random),
            total: total(random),
            points: None,
        }
    }

    fn drawn(&self, number: u64, random: &mut Random) -> Purchase {
        let population = &self.town.population;
        let mut drawn = self.plain(random);
        match self.scenario {
            Scenario::Redeem => {
                drawn.member = population.redeemer(usize::try_from(number).unwrap_or(0));
                drawn.total = small_total(random);
                drawn.points = Some(SPENT);
            }
            Scenario::PostMixed if random.index(ONE_SPENDS_OF) == 0 => {
                drawn.member = population.draw_spender(random);
                drawn.points = Some(SPENT_OF_A_STOCK);
            }
            Scenario::PostHotMember if random.unit() < HOT_MEMBER => {
                drawn.member = population.existing(HOT_MEMBER_NUMBER);
            }
            Scenario::PostHotBusiness if random.unit() < HOT_BUSINESS => drawn.business = 0,
            Scenario::PostHotBusiness => {
                while drawn.business == 0 && population.businesses > 1 {
                    drawn.business = population.business(random);
                }
            }
            _ => {}
        }
        drawn
    }

    fn purchase(&self, purchase: &Purchase, id: &Id, out: &mut Vec<u8>) {
        const BEFORE_RECEIPT: &[u8] = b"{\"receipt_number\":\"";
        const BEFORE_PHONE: &[u8] = b"\",\"member\":{\"phone\":\"";
        const BEFORE_TOTAL: &[u8] = b"\"},\"total\":";
        const BEFORE_POINTS: &[u8] = b",\"points\":";
        let points = purchase
            .points
            .map_or(0, |points| BEFORE_POINTS.len() + digits(points));
        let length = BEFORE_RECEIPT.len()
            + id.len()
            + BEFORE_PHONE.len()
            + self.phone_length
            + BEFORE_TOTAL.len()
            + digits(purchase.total)
            + points
            + 1;
        out.extend_from_slice(&self.heads[purchase.business]);
        out.extend_from_slice(id);
        out.extend_from_slice(b"\r\ncontent-length: ");
        push_number(out, length, 1);
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(BEFORE_RECEIPT);
        out.extend_from_slice(id);
        out.extend_from_slice(BEFORE_PHONE);
        let begins = purchase.member * self.phone_length;
        out.extend_from_slice(&self.phones[begins..begins + self.phone_length]);
        out.extend_from_slice(BEFORE_TOTAL);
        push_number(out, purchase.total, 1);
        if let Some(points) = purchase.points {
            out.extend_from_slice(BEFORE_POINTS);
            push_number(out, points, 1);
        }
        out.push(b'}');
    }
}

impl Requests for Tills {
    fn expected(&self) -> u16 {
        match self.scenario {
            Scenario::Quote | Scenario::Balance | Scenario::BalanceAnew | Scenario::History => 200,
            _ => 201,
        }
    }

    fn write(&mut self, number: u64, random: &mut Random, out: &mut Vec<u8>) -> bool {
        match self.scenario {
            Scenario::Balance | Scenario::BalanceAnew | Scenario::History => {
                let member = self.town.population.draw_joined(random);
                out.extend_from_slice(&self.heads[member]);
                false
            }
            _ => {
                let id = self.ids.next(random);
                let purchase = self.drawn(number, random);
                self.purchase(&purchase, &id, out);
                match self.scenario {
                    Scenario::PostHotMember => {
                        purchase.member == self.town.population.existing(HOT_MEMBER_NUMBER)
                    }
                    Scenario::PostHotBusiness => purchase.business == 0,
                    Scenario::PostMixed => purchase.points.is_some(),
                    _ => false,
                }
            }
        }
    }
}

fn asking(town: &Town, path: &str) -> Vec<Vec<u8>> {
    let head = |key: &String| {
        format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\nidempotency-key: "
        )
        .into_bytes()
    };
    town.keys.iter().map(head).collect()
}

fn reading(town: &Town, what: &str, header: &str) -> Vec<Vec<u8>> {
    let whole = |token: &String| {
        format!(
            "GET /api/v1/loyalty/{what} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n{header}\r\n"
        )
        .into_bytes()
    };
    town.tokens.iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn town() -> Arc<Town> {
        Arc::new(Town {
            population: Population::new(1_000, 2, 20),
            keys: vec!["ock_a".to_owned(), "ock_b".to_owned()],
            tokens: vec!["t".to_owned(); 20],
        })
    }

    fn text(scenario: Scenario, number: u64, random: &mut Random) -> (String, bool) {
        let mut out = Vec::new();
        let apart = Tills::new(scenario, town()).write(number, random, &mut out);
        (String::from_utf8(out).expect("text"), apart)
    }

    #[test]
    fn requests_differ_and_say_how_long_they_are() {
        let mut random = Random::new(1);
        let (first, _) = text(Scenario::Post, 0, &mut random);
        assert_ne!(first, text(Scenario::Post, 0, &mut random).0);
        for number in 0..50 {
            let (redeemed, _) = text(Scenario::Redeem, number, &mut random);
            let (head, body) = redeemed.split_once("\r\n\r\n").expect("a body");
            assert!(head.ends_with(&format!("\r\ncontent-length: {}", body.len())));
            let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(json["points"], 1_500);
            let member = town()
                .population
                .redeemer(usize::try_from(number).expect("few"));
            assert_eq!(json["member"]["phone"], phone(member).as_str());
            let receipt = json["receipt_number"].as_str().expect("a receipt");
            assert!(head.contains(&format!("\r\nidempotency-key: {receipt}\r\n")));
        }
    }

    #[test]
    fn readings_are_whole_as_they_are_prepared() {
        let mut random = Random::new(1);
        let (balance, _) = text(Scenario::Balance, 0, &mut random);
        assert!(balance.ends_with("Bearer t\r\n\r\n"), "{balance}");
        let (anew, _) = text(Scenario::BalanceAnew, 0, &mut random);
        assert!(
            anew.ends_with("\r\ncache-control: no-cache\r\n\r\n"),
            "{anew}"
        );
        let (quote, _) = text(Scenario::Quote, 0, &mut random);
        assert!(quote.starts_with("POST /api/v1/loyalty/quote "), "{quote}");
        let (history, _) = text(Scenario::History, 0, &mut random);
        assert!(
            history.starts_with("GET /api/v1/loyalty/history?limit=50 "),
            "{history}"
        );
    }

    #[test]
    fn shares_are_those_of_the_scenario() {
        let mut random = Random::new(3);
        let mut share = |scenario| {
            let mut tills = Tills::new(scenario, town());
            let mut out = Vec::new();
            let apart = (0..4_000).filter(|number| {
                out.clear();
                tills.write(*number, &mut random, &mut out)
            });
            apart.count()
        };
        assert!((1_900..2_100).contains(&share(Scenario::PostHotBusiness)));
        assert!((260..400).contains(&share(Scenario::PostHotMember)));
        assert!((700..900).contains(&share(Scenario::PostMixed)));
        assert_eq!(share(Scenario::Post), 0);
    }
}
