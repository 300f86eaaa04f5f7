//! Which shard a member's orders go to. The shard follows from the member; what a till says of him is remembered with
//! the member that it turned out to mean. Only a hint: row locks decide, a wrong one costs a wait.
//!
//! What waits or runs is remembered with its shard, so that orders that name a member in the same way never overtake
//! each other when a hint changes. Names are kept as hashes only.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use domain::ids::MemberId;

/// How an order names its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    hash: u64,
    member: Option<MemberId>,
}

impl Name {
    /// Named by the identifier.
    pub(super) fn member(member: MemberId) -> Self {
        Self {
            hash: hash(&("member", member.as_uuid())),
            member: Some(member),
        }
    }

    /// Named by something that stands for a member.
    pub(super) fn other(name: impl Hash) -> Self {
        Self {
            hash: hash(&name),
            member: None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Route {
    member: Option<MemberId>,
    shard: u16,
    /// Orders that wait or run.
    active: u32,
}

/// See the module. Two generations: when the young one is full, the old one is forgotten.
#[derive(Debug)]
pub(super) struct Routes {
    shards: u16,
    capacity: usize,
    young: HashMap<u64, Route>,
    old: HashMap<u64, Route>,
}

impl Routes {
    /// At most about twice `capacity` names are remembered, and what is active.
    pub(super) fn new(shards: usize, capacity: usize) -> Self {
        Self {
            shards: u16::try_from(shards.max(1)).unwrap_or(u16::MAX),
            capacity,
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// The shard for an order, which is active until [`Routes::release`].
    pub(super) fn enter(&mut self, name: Name) -> usize {
        let shards = self.shards;
        let route = self.route(name);
        if route.active == 0 {
            let hash = route.member.map_or(name.hash, |member| hash(&member));
            route.shard = spread(hash, shards);
        }
        route.active += 1;
        usize::from(route.shard)
    }

    /// The same for an order whose shard is given.
    pub(super) fn enter_at(&mut self, name: Name, shard: usize) {
        let route = self.route(name);
        if route.active == 0 {
            route.shard = u16::try_from(shard).unwrap_or(0);
        }
        route.active += 1;
    }

    /// The shard of a batch that stays together.
    pub(super) fn shard_of_flow(&self, flow: impl Hash) -> usize {
        usize::from(spread(hash(&flow), self.shards))
    }

    /// Remembers whom a name meant.
    pub(super) fn learn(&mut self, name: Name, member: MemberId) {
        if name.member.is_none() {
            self.route(name).member = Some(member);
        }
    }

    /// An order was answered.
    pub(super) fn release(&mut self, name: Name) {
        let route = self.route(name);
        route.active = route.active.saturating_sub(1);
    }

    fn route(&mut self, name: Name) -> &mut Route {
        if !self.young.contains_key(&name.hash) {
            let known = self.old.remove(&name.hash);
            if self.young.len() >= self.capacity {
                self.forget();
            }
            let fresh = Route {
                member: name.member,
                shard: 0,
                active: 0,
            };
            self.young.insert(name.hash, known.unwrap_or(fresh));
        }
        self.young
            .get_mut(&name.hash)
            .expect("it was inserted above")
    }

    fn forget(&mut self) {
        let mut aged = std::mem::take(&mut self.young);
        let active = aged.extract_if(|_, route| route.active > 0);
        self.young = active.collect();
        let stay = self.old.drain().filter(|(_, route)| route.active > 0);
        self.young.extend(stay);
        self.old = aged;
    }
}

fn spread(hash: u64, shards: u16) -> u16 {
    u16::try_from(hash % u64::from(shards)).unwrap_or(0)
}

/// The same in every process, so that tests can name members of different shards.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn member(number: u128) -> MemberId {
        MemberId::from(Uuid::from_u128(number))
    }

    #[test]
    fn a_name_follows_its_member_once_he_is_known() {
        let mut routes = Routes::new(64, 100);
        let phone = Name::other(("phone", "+79161234567"));
        let first = routes.enter(phone);
        routes.learn(phone, member(1));
        assert_eq!(routes.enter(phone), first, "one is still active");
        routes.release(phone);
        routes.release(phone);
        let by_id = routes.enter(Name::member(member(1)));
        assert_eq!(routes.enter(phone), by_id);
    }

    #[test]
    fn members_spread_over_the_shards() {
        let mut routes = Routes::new(4, 1_000);
        let mut counts = [0; 4];
        for number in 0..1_000 {
            counts[routes.enter(Name::member(member(number)))] += 1;
        }
        assert!(counts.iter().all(|count| *count > 150), "{counts:?}");
    }

    #[test]
    fn what_is_active_is_never_forgotten_and_the_rest_is() {
        let mut routes = Routes::new(8, 10);
        let kept = Name::other("kept");
        routes.enter_at(kept, 7);
        for number in 0..1_000 {
            let name = Name::member(member(number));
            routes.enter(name);
            routes.release(name);
        }
        assert!(routes.young.len() + routes.old.len() <= 22);
        assert_eq!(routes.enter(kept), 7);
    }

    #[test]
    fn a_batch_that_stays_together_takes_its_members_along() {
        let mut routes = Routes::new(8, 10);
        let name = Name::member(member(1));
        let own = routes.enter(name);
        routes.release(name);
        let other = (own + 1) % 8;
        routes.enter_at(name, other);
        assert_eq!(routes.enter(name), other);
        routes.release(name);
        routes.release(name);
        assert_eq!(routes.enter(name), own);
    }
}
