//! A member who buys, pays with points, sets them aside and returns goods, beside the reference model: each decision is
//! worked out the long way, and after each step the ledger is compared.

use std::collections::BTreeMap;

use domain::ids::{HoldId, RefundId, RuleId};
use domain::loyalty::basket::{Basket, BasketInput, LineInput};
use domain::loyalty::explanation::LotExplained;
use domain::loyalty::purchase::{
    MemberState, Programme, Proof, PurchaseDecision, PurchaseInput, PurchaseRefusal, Spend,
    Standing, Terms, decide,
};
use domain::loyalty::refund;
use domain::loyalty::wallet::{Hold, HoldStatus, Wallet, WalletError};
use domain::money::{Money, Points};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::books::{Books, Checked, at, business, counting_ids, member, points};
use super::purchase_oracle::{
    Facts, Granted, START, World, check_earning, check_lots, check_payment, day, end_of_day,
    most_points,
};
use super::purchase_steps::{Aside, CATEGORIES, Purchase, Return, Step};
use super::reference::{LotFacts, Model, State};
use super::sale::{Sale, is_possible, request_of, sale_of};

/// By how much a receipt may come late.
const LATE_HOURS: u32 = 72;

/// The member and the model side by side.
pub struct Town {
    pub world: World,
    pub state: MemberState,
    pub now: i64,
    pub sales: Vec<Sale>,
    pub ids: Box<dyn FnMut() -> Uuid>,
    model: Model,
    books: Books,
    log: Vec<Granted>,
}

impl Town {
    pub fn new(world: World) -> Self {
        let state = MemberState {
            wallet: Wallet::empty(member()),
            standing: Standing::Active,
            tier: world.ladder.lowest().code.clone(),
            tier_since: at(START),
            birthday: "1990-01-07".parse().ok(),
            visits: BTreeMap::new(),
            measure: 0,
            usage: BTreeMap::new(),
        };
        Self {
            world,
            state,
            now: START,
            sales: Vec::new(),
            ids: Box::new(counting_ids(1_000_000)),
            model: Model {
                now: START,
                ..Model::default()
            },
            books: Books::default(),
            log: Vec::new(),
        }
    }

    pub fn take(&mut self, step: &Step) -> Checked {
        match step {
            Step::Pass { hours } => self.pass(hours * 3_600 + hours % 11),
            Step::Buy(purchase) => self.buy(purchase),
            Step::Return { which, what } => match which.checked_rem(self.sales.len()) {
                Some(sale) => self.give_back(sale, what),
                None => Ok(()),
            },
        }
    }

    pub fn pass(&mut self, seconds: i64) -> Checked {
        self.now += seconds;
        self.model.pass_to(self.now);
        self.state.wallet.advance(at(self.now), &mut *self.ids)?;
        self.settle()
    }

    fn settle(&mut self) -> Checked {
        let changes = std::mem::take(&mut self.state.wallet.changes);
        self.books
            .absorb(&changes.journals, &self.state.wallet, self.now)?;
        self.books.check_balances(&self.state.wallet, &self.model)?;
        self.books.check_partners(&self.model)?;
        self.books.check_lots(&self.state.wallet, &self.model)?;
        self.books.check_holds(&self.state.wallet)
    }

    fn basket(&self, purchase: &Purchase) -> Basket {
        let sum = |of: &dyn Fn(usize) -> bool| {
            let lines = purchase.lines.iter().filter(|(category, _)| of(*category));
            Money::from_hundredths(lines.map(|(_, amount)| amount).sum())
        };
        let input = if purchase.by_amounts {
            BasketInput::Amounts {
                total: sum(&|_| true),
                not_earning: sum(&|c| c == 3 || c == 4),
                not_payable: sum(&|c| c == 2 || c == 3),
            }
        } else {
            let line = |(category, amount): &(usize, i64)| LineInput {
                category: Some(CATEGORIES[*category].to_owned()),
                amount: Money::from_hundredths(*amount),
            };
            let lines = purchase.lines.iter().map(line).collect();
            BasketInput::Lines {
                lines,
                total: Some(sum(&|_| true)),
            }
        };
        Basket::new(&input, &self.world.settings).expect("a basket")
    }

    /// The member's progress over the window that ends today, from the sales alone.
    fn measure(&self) -> i64 {
        let window = i64::from(self.world.settings.tier_window_days);
        let within = |sale: &&Sale| day(self.now) - day(sale.occurred) < window;
        self.sales
            .iter()
            .filter(within)
            .map(|sale| sale.measure)
            .sum()
    }

    /// Sets points aside and waits a little; the hold, if there were any points.
    fn set_aside(
        &mut self,
        shop: u8,
        amount: i64,
        aside: Aside,
    ) -> Result<Option<HoldId>, TestCaseError> {
        let id = HoldId::from((self.ids)());
        let until = self.now + aside.lasts * 60;
        let hold = Hold {
            id,
            business: business(shop),
            reference: id.to_string(),
            status: HoldStatus::Active,
            amount: points(amount),
            captured: Points::ZERO,
            purchase: None,
            expires_at: at(until),
            created_at: at(self.now),
            draws: Vec::new(),
        };
        let held = self.state.wallet.hold(hold, at(self.now), &mut *self.ids);
        prop_assert_eq!(held.is_ok(), self.model.hold(amount, shop, until));
        self.settle()?;
        self.pass(aside.passes * 60)?;
        Ok(held.is_ok().then_some(id))
    }

    /// What the till sends; points may have been set aside for it before.
    fn input(
        &mut self,
        purchase: &Purchase,
        basket: Basket,
        most: i64,
    ) -> Result<PurchaseInput, TestCaseError> {
        let wish = most.min(self.state.wallet.available.hundredths()) * purchase.share / 1_000;
        let mut spend = Spend::Points(points(wish));
        if let Some(aside) = purchase.aside {
            let wish = wish.min(self.state.wallet.available.hundredths());
            let captured = aside.captured.map(|share| points(wish * share / 1_000));
            if let Some(id) = self.set_aside(purchase.shop, wish, aside)? {
                spend = Spend::Hold(id, captured);
            }
        }
        let weak = !purchase.strong;
        Ok(PurchaseInput {
            id: (self.ids)().into(),
            occurred_at: at(self.now - purchase.late_minutes * 60),
            basket,
            spend,
            proof: if weak { Proof::Weak } else { Proof::Strong },
            late_hours: Some(LATE_HOURS),
        })
    }

    fn buy(&mut self, purchase: &Purchase) -> Checked {
        let terms = self.world.terms[usize::from(purchase.shop)].clone();
        let basket = self.basket(purchase);
        let share = terms
            .share_cap
            .unwrap_or(self.world.settings.share_cap)
            .get();
        let value = self.world.settings.point_value.money().hundredths();
        let most = most_points(&basket, share, value);
        let input = self.input(purchase, basket, most)?;
        let budgets = self.budgets();
        let mut after = self.state.clone();
        after.measure = self.measure();
        let programme = Programme {
            settings: &self.world.settings,
            ladder: &self.world.ladder,
            now: at(self.now),
        };
        let rules = &self.world.rules;
        let decided = decide(
            programme,
            &terms,
            rules,
            &budgets,
            &mut after,
            &input,
            &mut *self.ids,
        );
        let refusals = self.refusals(&terms, &input, most, value);
        match decided {
            Err(refusal) => {
                prop_assert!(
                    refusals.contains(&kind(refusal)),
                    "{:?}, not {:?}",
                    refusal,
                    refusals
                );
                Ok(())
            }
            Ok(decision) => {
                prop_assert!(
                    refusals.is_empty(),
                    "should have been refused: {:?}",
                    refusals
                );
                if decision.hold.is_none() {
                    let available = self.state.wallet.available.hundredths();
                    prop_assert_eq!(decision.max_points.hundredths(), most.min(available));
                }
                self.post(after, &terms, &input, decision)
            }
        }
    }

    fn budgets(&self) -> BTreeMap<RuleId, Points> {
        let mut budgets: BTreeMap<_, i64> = BTreeMap::new();
        for (rule, _, n) in &self.log {
            *budgets.entry(*rule).or_default() += n;
        }
        budgets
            .into_iter()
            .map(|(rule, n)| (rule, points(n)))
            .collect()
    }

    /// All reasons for which the purchase may be refused.
    fn refusals(
        &self,
        terms: &Terms,
        input: &PurchaseInput,
        most: i64,
        value: i64,
    ) -> Vec<&'static str> {
        let late = self.now - input.occurred_at.timestamp();
        let mut reasons = Vec::new();
        let mut refuse = |holds: bool, reason| reasons.extend(holds.then_some(reason));
        refuse(late < -600, "future");
        refuse(late > i64::from(LATE_HOURS) * 3_600, "late");
        let available = self.model.in_state(State::Available);
        let asked = match input.spend {
            Spend::Nothing => 0,
            Spend::Points(n) => {
                let worth = n.hundredths() * value / 100;
                let weak = input.proof == Proof::Weak;
                refuse(n.hundredths() > available, "points");
                refuse(
                    weak && worth > terms.spend_without_code_up_to.hundredths(),
                    "proof",
                );
                n.hundredths()
            }
            Spend::Hold(_, asked) => {
                let held = self.model.in_state(State::Held(self.model.holds.len() - 1));
                let hold = &self.model.holds[self.model.holds.len() - 1];
                let whole: i64 = hold.2.iter().map(|draw| draw.1).sum();
                let asked = asked.map_or(whole, Points::hundredths);
                refuse(held == 0, "hold");
                refuse(asked > whole, "over hold");
                refuse(asked < 1, "nothing");
                asked
            }
        };
        refuse(asked > most, "share");
        reasons
    }

    /// Checks a decision against the long way round, and lets the model follow.
    fn post(
        &mut self,
        after: MemberState,
        terms: &Terms,
        input: &PurchaseInput,
        decision: PurchaseDecision,
    ) -> Checked {
        let value = self.world.settings.point_value.money().hundredths();
        let shop = self
            .world
            .terms
            .iter()
            .position(|t| t == terms)
            .and_then(|n| u8::try_from(n).ok());
        let shop = shop.expect("a shop");
        let visits = self
            .sales
            .iter()
            .filter(|sale| sale.posted.business == terms.business)
            .count();
        let occurred = input.occurred_at.timestamp();
        let facts = Facts {
            occurred,
            visit: u32::try_from(visits).expect("few") + 1,
            birthday: self.state.birthday,
            tier: &self.state.tier,
            log: &self.log,
        };
        check_payment(&input.basket, &decision, value)?;
        check_earning(&self.world, terms, &facts, &decision)?;
        check_lots(&self.world, terms, &facts, &decision)?;

        self.follow(input, &decision, shop)?;
        for (rule, n) in granted_by_rule(&decision) {
            self.log.push((rule, occurred, n));
        }
        let spend = decision.points_spent.is_positive();
        let spend = spend.then(|| self.model.spends.len() - 1);
        let sale = sale_of(terms, input, decision, &self.world, spend);
        self.sales.push(sale);
        self.check_tier(&after)?;
        self.state = after;
        self.settle()
    }

    /// Lets the model spend and earn what the decision says.
    fn follow(&mut self, input: &PurchaseInput, decision: &PurchaseDecision, shop: u8) -> Checked {
        let spent = decision.points_spent.hundredths();
        let draws = match (input.spend, spent) {
            (_, 0) => Some(Vec::new()),
            (Spend::Hold(..), _) => self.model.capture(self.model.holds.len() - 1, spent),
            _ => self.model.spend(spent, shop),
        };
        let draws = draws.map(|draws| self.books.named(&draws));
        prop_assert_eq!(Some(&decision.explanation.spent), draws.as_ref());
        self.books
            .lot_ids
            .extend(decision.explanation.lots.iter().map(|lot| lot.lot));
        let payer = |lot: &LotExplained| {
            lot.paid_by(business(shop))
                .business()
                .and_then(|id| (0..3).find(|n| business(*n) == id))
        };
        let facts = decision.explanation.lots.iter().map(|lot| LotFacts {
            funder: payer(lot),
            points: lot.points.hundredths(),
            earned: input.occurred_at.timestamp(),
            activates: lot.activates_at.timestamp(),
            expires: lot.expires_at.map(|end| end.timestamp()),
        });
        self.model.accrue(facts.collect());
        Ok(())
    }

    /// Up at once, never down.
    fn check_tier(&self, after: &MemberState) -> Checked {
        prop_assert_eq!(after.measure, self.measure());
        let tiers = self.world.ladder.tiers();
        let reached = tiers
            .iter()
            .rposition(|tier| tier.threshold <= after.measure)
            .unwrap_or(0);
        let before = tiers
            .iter()
            .position(|tier| tier.code == self.state.tier)
            .expect("a tier");
        prop_assert_eq!(&after.tier, &tiers[reached.max(before)].code);
        Ok(())
    }

    fn give_back(&mut self, place: usize, what: &Return) -> Checked {
        let sale = &self.sales[place];
        let request = request_of(&sale.posted, what);
        let voids = matches!(what, Return::Void);
        let id = RefundId::from((self.ids)());
        let mut wallet = self.state.wallet.clone();
        let (settings, now) = (&self.world.settings, at(self.now));
        let asked = (id, &request, voids);
        let decided = refund::decide(
            settings,
            &sale.posted,
            &mut wallet,
            asked,
            now,
            &mut *self.ids,
        );
        let possible =
            is_possible(&sale.posted, &request) && (!voids || day(self.now) == day(sale.occurred));
        prop_assert_eq!(decided.is_ok(), possible, "{:?} to {:?}", decided, request);
        let Ok(decision) = decided else { return Ok(()) };

        let grace = end_of_day(self.now, i64::from(settings.refund_grace_days));
        let back = match sale.spend {
            Some(spend) => self
                .model
                .restore(spend, decision.points_returned.hundredths(), grace),
            None => Vec::new(),
        };
        prop_assert_eq!(&decision.explanation.restored, &self.books.named(&back));
        let debt = self.model.debt;
        let taken = decision.explanation.clawback.lots.iter();
        let asks: Vec<(usize, i64)> = taken
            .map(|part| (self.books.place_of(part.lot), part.asked.hundredths()))
            .collect();
        self.model.claw_back(&asks, settings.clawback);
        prop_assert_eq!(decision.debt_added.hundredths(), self.model.debt - debt);
        let occurred = sale.occurred;
        for back in &decision.explanation.given_back {
            prop_assert!(
                back.period_start.is_none() || !back.budgeted,
                "no rule here has both"
            );
            self.log
                .push((back.rule, occurred, -back.points.hundredths()));
            if let Some(start) = back.period_start {
                let used = self
                    .state
                    .usage
                    .get_mut(&(back.rule, start))
                    .expect("used before");
                *used = used.minus(back.points)?;
            }
        }
        let counted = decision.explanation.given_back.iter();
        let counted: i64 = counted.map(|back| back.points.hundredths()).sum();
        let taken = decision.points_taken_back.hundredths();
        prop_assert!(counted <= taken, "{counted} counted, {taken} taken");
        self.state.wallet = wallet;
        self.sales[place].follow(&decision, self.world.settings.tier_measure)?;
        self.settle()
    }
}

/// What the purchase took from caps and budgets, by rule.
fn granted_by_rule(decision: &PurchaseDecision) -> Vec<(RuleId, i64)> {
    let capped = decision
        .usage
        .iter()
        .map(|(rule, _, n)| (*rule, n.hundredths()));
    let budgeted = decision
        .budgets
        .iter()
        .map(|(rule, n)| (*rule, n.hundredths()));
    capped.chain(budgeted).collect()
}

fn kind(refusal: PurchaseRefusal) -> &'static str {
    match refusal {
        PurchaseRefusal::InFuture => "future",
        PurchaseRefusal::TooLate => "late",
        PurchaseRefusal::ProofRequired => "proof",
        PurchaseRefusal::OverShareCap { .. } => "share",
        PurchaseRefusal::Wallet(WalletError::NotEnoughPoints { .. }) => "points",
        PurchaseRefusal::Wallet(WalletError::HoldNotActive) => "hold",
        PurchaseRefusal::Wallet(WalletError::OverHold) => "over hold",
        PurchaseRefusal::Wallet(WalletError::NotPositive) => "nothing",
        _ => "a mistake",
    }
}
