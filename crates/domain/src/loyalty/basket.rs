//! What was bought: a total made of lines, each with a category that says what earns and what points may pay.

use serde::{Deserialize, Serialize};

use crate::money::{Money, Overflow};
use crate::programme::{GENERAL_CATEGORY, ProgrammeSettings};

/// The most lines of one purchase.
pub const MAX_LINES: usize = 500;

/// One line of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number on the receipt, from 1.
    pub number: i16,
    /// Its category.
    pub category: String,
    /// What it costs; not negative.
    pub amount: Money,
    /// Whether the money paid for it earns points.
    pub earns: bool,
    /// Whether points may pay for it.
    pub payable: bool,
}

/// A line as the till sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineInput {
    /// Its category; none: the general one.
    pub category: Option<String>,
    /// What it costs.
    pub amount: Money,
}

/// What was bought, as the till sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BasketInput {
    /// Line by line. The total, where given, must be their sum.
    Lines {
        /// The lines in the order of the receipt.
        lines: Vec<LineInput>,
        /// The total that the till shows.
        total: Option<Money>,
    },
    /// As a total with the parts of it that earn nothing or that points may not pay.
    Amounts {
        /// The whole bill.
        total: Money,
        /// The part that earns nothing.
        not_earning: Money,
        /// The part that points may not pay.
        not_payable: Money,
    },
}

/// What was bought. The lines add up to the total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// The lines.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Money,
}

/// Why what the till sent is no basket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasketError {
    /// There are no lines, or too many.
    #[error("a purchase has 1 to 500 lines")]
    LineCount,
    /// An amount is negative. The index is that of the line; none: one of the amounts.
    #[error("an amount is negative")]
    Negative(Option<usize>),
    /// The programme has no such category.
    #[error("line {index}: unknown category")]
    UnknownCategory {
        /// The line, from 0.
        index: usize,
    },
    /// The parts do not make the total.
    #[error("the total is not the sum of its parts")]
    TotalMismatch {
        /// What the till says.
        stated: Money,
        /// What the lines say.
        sum: Money,
    },
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

impl Basket {
    /// Checks what the till sent against the programme's categories.
    ///
    /// # Errors
    /// [`BasketError`], the first fault found.
    pub fn new(input: &BasketInput, settings: &ProgrammeSettings) -> Result<Self, BasketError> {
        match input {
            BasketInput::Lines { lines, total } => Self::of_lines(lines, *total, settings),
            BasketInput::Amounts {
                total,
                not_earning,
                not_payable,
            } => Self::of_amounts(*total, *not_earning, *not_payable),
        }
    }

    fn of_lines(
        inputs: &[LineInput],
        stated: Option<Money>,
        settings: &ProgrammeSettings,
    ) -> Result<Self, BasketError> {
        if inputs.is_empty() || inputs.len() > MAX_LINES {
            return Err(BasketError::LineCount);
        }
        let mut lines = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            if input.amount.is_negative() {
                return Err(BasketError::Negative(Some(index)));
            }
            let code = input.category.as_deref().unwrap_or(GENERAL_CATEGORY);
            let category = settings
                .categories
                .get(code)
                .ok_or(BasketError::UnknownCategory { index })?;
            lines.push(Line {
                number: i16::try_from(index + 1).map_err(|_| BasketError::LineCount)?,
                category: code.to_owned(),
                amount: input.amount,
                earns: category.earns,
                payable: category.payable,
            });
        }
        let sum = Money::sum(lines.iter().map(|line| line.amount))?;
        match stated {
            Some(stated) if stated != sum => Err(BasketError::TotalMismatch { stated, sum }),
            _ => Ok(Self { lines, total: sum }),
        }
    }

    /// The two parts are taken to overlap as far as they can: what earns nothing (tobacco, gift cards) is
    /// usually what points may not pay.
    fn of_amounts(
        total: Money,
        not_earning: Money,
        not_payable: Money,
    ) -> Result<Self, BasketError> {
        if total.is_negative() || not_earning.is_negative() || not_payable.is_negative() {
            return Err(BasketError::Negative(None));
        }
        for part in [not_earning, not_payable] {
            if part > total {
                return Err(BasketError::TotalMismatch {
                    stated: total,
                    sum: part,
                });
            }
        }
        let neither = not_earning.min(not_payable);
        let parts = [
            (total.minus(not_earning.max(not_payable))?, true, true),
            (not_earning.minus(neither)?, false, true),
            (not_payable.minus(neither)?, true, false),
            (neither, false, false),
        ];
        let mut lines = Vec::new();
        for (index, (amount, earns, payable)) in parts.into_iter().enumerate() {
            if amount.is_positive() || index == 0 {
                lines.push(Line {
                    number: i16::try_from(lines.len() + 1).map_err(|_| BasketError::LineCount)?,
                    category: GENERAL_CATEGORY.to_owned(),
                    amount,
                    earns,
                    payable,
                });
            }
        }
        Ok(Self { lines, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(hundredths: i64) -> Money {
        Money::from_hundredths(hundredths)
    }

    fn settings() -> ProgrammeSettings {
        ProgrammeSettings::starting("Circle", "RUB", chrono_tz::Europe::Moscow)
    }

    fn line(category: Option<&str>, amount: i64) -> LineInput {
        LineInput {
            category: category.map(str::to_owned),
            amount: money(amount),
        }
    }

    #[test]
    fn lines_must_make_the_total() {
        let lines = vec![line(None, 1_000), line(Some("tobacco"), 500)];
        let input = BasketInput::Lines {
            lines: lines.clone(),
            total: Some(money(1_500)),
        };
        let basket = Basket::new(&input, &settings()).expect("a basket");
        assert_eq!(basket.total, money(1_500));
        assert!(basket.lines[0].earns && !basket.lines[1].earns && !basket.lines[1].payable);
        let input = BasketInput::Lines {
            lines,
            total: Some(money(1_499)),
        };
        assert_eq!(
            Basket::new(&input, &settings()),
            Err(BasketError::TotalMismatch {
                stated: money(1_499),
                sum: money(1_500)
            })
        );
    }

    #[test]
    fn faults_name_their_line() {
        let unknown = BasketInput::Lines {
            lines: vec![line(None, 1), line(Some("fur"), 1)],
            total: None,
        };
        assert_eq!(
            Basket::new(&unknown, &settings()),
            Err(BasketError::UnknownCategory { index: 1 })
        );
        let negative = BasketInput::Lines {
            lines: vec![line(None, -1)],
            total: None,
        };
        assert_eq!(
            Basket::new(&negative, &settings()),
            Err(BasketError::Negative(Some(0)))
        );
        let huge = BasketInput::Lines {
            lines: vec![line(None, i64::MAX), line(None, 1)],
            total: None,
        };
        assert_eq!(
            Basket::new(&huge, &settings()),
            Err(BasketError::Overflow(Overflow))
        );
    }

    #[test]
    fn parts_of_an_amount_overlap() {
        let input = BasketInput::Amounts {
            total: money(1_000),
            not_earning: money(300),
            not_payable: money(400),
        };
        let basket = Basket::new(&input, &settings()).expect("a basket");
        let parts: Vec<_> = basket
            .lines
            .iter()
            .map(|l| (l.amount.hundredths(), l.earns, l.payable))
            .collect();
        assert_eq!(
            parts,
            vec![(600, true, true), (100, true, false), (300, false, false)]
        );
    }
}
