//! The ledger once more, written from the product's words and as naively as can be: a heap of parcels of points, each of
//! one lot and in one state. Nothing is kept that can be counted, and time passes one event after the other.
//! It knows nothing of the code that it judges. Time is in seconds, points are plain integers.

use domain::programme::ClawbackPolicy;

/// Where points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Available,
    Held(usize),
    Spent(usize),
    Expired,
    TakenBack,
    PaidDebt,
}

/// Some points of one lot in one state.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub lot: usize,
    pub points: i64,
    pub state: State,
}

/// What is known of a lot. No funder: the programme.
#[derive(Clone, Debug)]
pub struct LotFacts {
    pub funder: Option<u8>,
    pub points: i64,
    pub earned: i64,
    pub activates: i64,
    pub expires: Option<i64>,
}

/// Lots and points in the order in which they were drawn.
pub type Draws = Vec<(usize, i64)>;

/// One member's points.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub now: i64,
    pub lots: Vec<LotFacts>,
    pub parcels: Vec<Parcel>,
    /// Business, end and draws of each hold.
    pub holds: Vec<(u8, i64, Draws)>,
    /// Business and draws of each spend, captures among them.
    pub spends: Vec<(u8, Draws)>,
    pub debt: i64,
    /// What refunds and hands gave back to those who had paid for it.
    pub credits: Vec<(Option<u8>, i64)>,
}

impl Model {
    pub fn count(&self, is: impl Fn(&Parcel) -> bool) -> i64 {
        self.parcels
            .iter()
            .filter(|p| is(p))
            .map(|p| p.points)
            .sum()
    }

    pub fn in_state(&self, state: State) -> i64 {
        self.count(|p| p.state == state)
    }

    /// Moves up to `points` of a lot from one state to another and says how many.
    fn shift(&mut self, lot: usize, from: State, to: State, points: i64) -> i64 {
        let mut left = points;
        for parcel in &mut self.parcels {
            if parcel.lot == lot && parcel.state == from {
                let moved = parcel.points.min(left);
                parcel.points -= moved;
                left -= moved;
            }
        }
        self.parcels.retain(|parcel| parcel.points > 0);
        self.put(lot, points - left, to);
        points - left
    }

    fn put(&mut self, lot: usize, points: i64, state: State) {
        let same = |p: &&mut Parcel| p.lot == lot && p.state == state;
        match self.parcels.iter_mut().find(same) {
            Some(parcel) => parcel.points += points,
            None if points > 0 => self.parcels.push(Parcel { lot, points, state }),
            None => {}
        }
    }

    /// Draws spendable points: earliest expiry first, never-expiring last, then oldest.
    fn draw(&mut self, points: i64, to: State) -> Draws {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.sort_by_key(|i| {
            (
                self.lots[*i].expires.unwrap_or(i64::MAX),
                self.lots[*i].earned,
                *i,
            )
        });
        let mut left = points;
        let mut draws = Vec::new();
        for lot in order {
            let moved = self.shift(lot, State::Available, to, left);
            left -= moved;
            if moved > 0 {
                draws.push((lot, moved));
            }
        }
        draws
    }

    fn pay_debt_from(&mut self, lot: usize) {
        self.debt -= self.shift(lot, State::Available, State::PaidDebt, self.debt);
    }

    /// Lets time pass: whatever is due happens at its own moment, one after the other.
    pub fn pass_to(&mut self, until: i64) {
        while let Some((_, what, index)) = self.next_event(until) {
            match what {
                0 => self.release(index),
                1 => {
                    self.shift(index, State::Pending, State::Available, i64::MAX);
                    self.pay_debt_from(index);
                }
                _ => {
                    self.shift(index, State::Available, State::Expired, i64::MAX);
                }
            }
        }
        self.now = until;
    }

    fn next_event(&self, until: i64) -> Option<(i64, u8, usize)> {
        let of = |p: &Parcel| match p.state {
            State::Held(hold) => Some((self.holds[hold].1, 0, hold)),
            State::Pending => Some((self.lots[p.lot].activates, 1, p.lot)),
            State::Available => self.lots[p.lot].expires.map(|at| (at, 2, p.lot)),
            _ => None,
        };
        self.parcels
            .iter()
            .filter_map(of)
            .filter(|event| event.0 <= until)
            .min()
    }

    /// Gives points, all at once; what is active already pays debt.
    pub fn accrue(&mut self, lots: Vec<LotFacts>) {
        for facts in lots {
            let (lot, active) = (self.lots.len(), facts.activates <= self.now);
            self.put(
                lot,
                facts.points,
                if active {
                    State::Available
                } else {
                    State::Pending
                },
            );
            self.lots.push(facts);
            if active {
                self.pay_debt_from(lot);
            }
        }
        self.pass_to(self.now);
    }

    fn may_draw(&self, points: i64) -> bool {
        points > 0 && points <= self.in_state(State::Available)
    }

    pub fn spend(&mut self, points: i64, business: u8) -> Option<Draws> {
        self.may_draw(points).then(|| {
            let draws = self.draw(points, State::Spent(self.spends.len()));
            self.spends.push((business, draws.clone()));
            draws
        })
    }

    /// Takes what is there; what is missing is owed to `debt_to`, if that is told. Says how many points in all.
    pub fn take_by_hand(&mut self, points: i64, debt_to: Option<Option<u8>>) -> Option<i64> {
        let own = points.min(self.in_state(State::Available));
        let owed = if debt_to.is_some() { points - own } else { 0 };
        (points > 0 && own + owed > 0).then(|| {
            self.draw_back(own);
            self.debt += owed;
            self.credits.push((debt_to.flatten(), owed));
            own + owed
        })
    }

    /// Draws points that go back to whoever had paid for them.
    fn draw_back(&mut self, points: i64) -> Draws {
        let draws = self.draw(points, State::TakenBack);
        for (lot, points) in &draws {
            self.credits.push((self.lots[*lot].funder, *points));
        }
        draws
    }

    /// Gives points away: debt is paid first. Says of which lots.
    pub fn give_away(&mut self, points: i64) -> Option<Draws> {
        let free = self.in_state(State::Available) - self.debt;
        (points > 0 && points <= free).then(|| {
            self.draw(self.debt, State::PaidDebt);
            self.debt = 0;
            self.draw_back(points)
        })
    }

    pub fn hold(&mut self, points: i64, business: u8, until: i64) -> bool {
        let may = self.may_draw(points);
        if may {
            let draws = self.draw(points, State::Held(self.holds.len()));
            self.holds.push((business, until, draws));
        }
        may
    }

    /// Takes points of a hold, first drawn first, and gives the rest back.
    pub fn capture(&mut self, hold: usize, points: i64) -> Option<Draws> {
        if points < 1 || points > self.in_state(State::Held(hold)) {
            return None;
        }
        let (business, _, drawn) = self.holds[hold].clone();
        let (mut left, mut draws) = (points, Vec::new());
        for (lot, _) in drawn {
            let moved = self.shift(
                lot,
                State::Held(hold),
                State::Spent(self.spends.len()),
                left,
            );
            left -= moved;
            if moved > 0 {
                draws.push((lot, moved));
            }
        }
        self.spends.push((business, draws.clone()));
        self.release(hold);
        self.pass_to(self.now);
        Some(draws)
    }

    pub fn void(&mut self, hold: usize) -> bool {
        let active = self.in_state(State::Held(hold)) > 0;
        self.release(hold);
        self.pass_to(self.now);
        active
    }

    fn release(&mut self, hold: usize) {
        for lot in 0..self.lots.len() {
            self.shift(lot, State::Held(hold), State::Available, i64::MAX);
        }
    }

    /// A refund takes back what these lots gave: what expired of them and what they have, then others, then debt.
    pub fn claw_back(&mut self, asks: &[(usize, i64)], policy: ClawbackPolicy) {
        let mut missing = Vec::new();
        for (lot, asked) in asks {
            let mut left = asked - self.shift(*lot, State::Expired, State::TakenBack, *asked);
            left -= self.shift(*lot, State::Pending, State::TakenBack, left);
            if policy != ClawbackPolicy::PendingOnly {
                left -= self.shift(*lot, State::Available, State::TakenBack, left);
            }
            missing.push((*lot, asked - left, left));
        }
        for (lot, mut taken, mut left) in missing {
            if policy != ClawbackPolicy::PendingOnly {
                let others: i64 = self.draw(left, State::TakenBack).iter().map(|d| d.1).sum();
                (taken, left) = (taken + others, left - others);
            }
            if policy == ClawbackPolicy::IntoDebt {
                (taken, self.debt) = (taken + left, self.debt + left);
            }
            self.credits.push((self.lots[lot].funder, taken));
        }
    }

    /// Gives spent points back to their lots, last drawn first; an expired lot lives until `grace`. Debt is paid with them.
    pub fn restore(&mut self, spend: usize, points: i64, grace: i64) -> Draws {
        let (mut left, mut back) = (points, Vec::new());
        for (lot, _) in self.spends[spend].1.clone().into_iter().rev() {
            let moved = self.shift(lot, State::Spent(spend), State::Available, left);
            left -= moved;
            if moved > 0 {
                back.push((lot, moved));
                let expired = self.lots[lot].expires.is_some_and(|end| end <= self.now);
                self.lots[lot].expires = if expired {
                    Some(grace)
                } else {
                    self.lots[lot].expires
                };
            }
        }
        let payment: i64 = self
            .draw(self.debt.min(points), State::PaidDebt)
            .iter()
            .map(|d| d.1)
            .sum();
        self.debt -= payment;
        back
    }
}
