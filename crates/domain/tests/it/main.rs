//! Tests of the pure rules through their public doors. Start with `reference`: the ledger once more, naively;
//! `ledger_properties` and `purchase_properties` drive both through random lives and compare after each step.

mod books;
mod earning_cases;
mod hand_steps;
mod ledger_properties;
mod purchase_cases;
mod purchase_oracle;
mod purchase_properties;
mod purchase_steps;
mod reference;
mod refund_steps;
mod sale;
mod town;
mod transfer_properties;
mod wallet_cases;
