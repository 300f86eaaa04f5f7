//! The requests to the peers that serve the model of a purchase: another interface, the same draws.

use super::Requests;
use super::writing::{drawn_id, push_number};
use crate::population::Population;
use crate::random::Random;

/// Tills of each business of the model.
const TILLS: usize = 5;

/// One of so many purchases spends points.
const ONE_SPENDS_OF: usize = 5;

/// The points that it spends.
const SPENT: usize = 200;

/// The requests of one load on a peer.
#[derive(Debug)]
pub(crate) struct ModelTills {
    population: Population,
    balance: bool,
}

impl ModelTills {
    /// Purchases, of which one in five spends points.
    pub(crate) fn purchases(population: Population) -> Self {
        Self {
            population,
            balance: false,
        }
    }

    /// Balances.
    pub(crate) fn balances(population: Population) -> Self {
        Self {
            population,
            balance: true,
        }
    }
}

impl Requests for ModelTills {
    fn expected(&self) -> u16 {
        200
    }

    fn write(&mut self, _: u64, random: &mut Random, out: &mut Vec<u8>) -> bool {
        let member = self.population.member(random) + 1;
        let till = (self.population.business(random) + 1) * 10 + random.index(TILLS);
        if self.balance {
            out.extend_from_slice(b"GET /balance/C");
            push_number(out, member, 9);
            out.extend_from_slice(b" HTTP/1.1\r\nhost: bench\r\nx-till-token: till-");
            push_number(out, till, 1);
            out.extend_from_slice(b"\r\n\r\n");
            return false;
        }
        let id = drawn_id(random);
        let mut body = Vec::with_capacity(160);
        body.extend_from_slice(b"{\"card\":\"C");
        push_number(&mut body, member, 9);
        body.extend_from_slice(b"\",\"amount\":");
        push_number(&mut body, 100 + random.index(9_901), 1);
        body.extend_from_slice(b",\"redeem\":");
        let spends = random.index(ONE_SPENDS_OF) == 0;
        push_number(&mut body, if spends { SPENT } else { 0 }, 1);
        body.extend_from_slice(b",\"receipt\":\"W");
        body.extend_from_slice(&id);
        body.extend_from_slice(b"\"}");
        out.extend_from_slice(b"POST /purchases HTTP/1.1\r\nhost: bench\r\nx-till-token: till-");
        push_number(out, till, 1);
        out.extend_from_slice(b"\r\ncontent-type: application/json\r\nidempotency-key: ");
        out.extend_from_slice(&id);
        out.extend_from_slice(b"\r\ncontent-length: ");
        push_number(out, body.len(), 1);
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&body);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_as_the_peers_take_them() {
        let population = Population::new(1_000, 200, 20);
        let mut random = Random::new(1);
        let mut out = Vec::new();
        ModelTills::purchases(population.clone()).write(0, &mut random, &mut out);
        let text = String::from_utf8(out).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(json["card"].as_str().map(str::len), Some(10));
        assert!(json["amount"].as_u64().is_some_and(|amount| amount >= 100));
        let mut out = Vec::new();
        ModelTills::balances(population).write(0, &mut random, &mut out);
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with("GET /balance/C000000") && text.ends_with("\r\n\r\n"));
    }
}
