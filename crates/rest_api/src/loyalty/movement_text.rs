//! A movement of points in a sentence, in English or Russian.

use domain::loyalty::ledger::JournalKind;
use http_kit::problem::Language;
use services::loyalty::history::{Movement, MovementSource};

/// What happened, where, and how many points it moved.
#[must_use]
pub fn sentence(movement: &Movement, language: Language) -> String {
    let (english, russian) = what(movement);
    let points = amount(moved(movement), language);
    let place = movement.business.as_ref().map(|(_, name)| name.as_str());
    let mut text = match (language, place) {
        (Language::English, None) => format!("{english}: {points}"),
        (Language::English, Some(place)) => format!("{english} at {place}: {points}"),
        (Language::Russian, None) => format!("{russian}: {points}"),
        (Language::Russian, Some(place)) => format!("{russian} ({place}): {points}"),
    };
    let may_owe = [JournalKind::Clawback, JournalKind::Adjustment];
    if may_owe.contains(&movement.kind) && movement.debt.is_positive() {
        let owed = amount(movement.debt.hundredths(), language);
        text.push_str(match language {
            Language::English => ", of which owed: ",
            Language::Russian => ", из них в долг: ",
        });
        text.push_str(&owed);
    }
    text.push('.');
    text
}

/// Why points moved, in English and Russian.
fn what(movement: &Movement) -> (&'static str, &'static str) {
    let by_purchase = matches!(movement.source, Some(MovementSource::Purchase(_)));
    let later = movement.pending.is_positive();
    match movement.kind {
        JournalKind::Accrual => match (by_purchase, later) {
            (true, false) => ("Earned by a purchase", "Начислено за покупку"),
            (true, true) => (
                "Earned by a purchase, to become active later",
                "Начислено за покупку, станет доступно позже",
            ),
            (false, false) => ("Given", "Начислено"),
            (false, true) => (
                "Given, to become active later",
                "Начислено, станет доступно позже",
            ),
        },
        JournalKind::Activation => ("Now active", "Стало доступно"),
        JournalKind::Redemption => ("Paid for a purchase", "Оплачено баллами"),
        JournalKind::Hold => ("Set aside for a checkout", "Отложено для оплаты"),
        JournalKind::Capture => ("Paid with points set aside", "Оплачено отложенными баллами"),
        JournalKind::Release => ("No longer set aside", "Больше не отложено"),
        JournalKind::Expiry => ("Expired", "Сгорело"),
        JournalKind::Clawback => ("Taken back after a refund", "Списано после возврата"),
        JournalKind::Restoration => ("Given back after a refund", "Возвращено после возврата"),
        JournalKind::DebtPayment => ("Debt paid off", "Погашен долг"),
        JournalKind::Adjustment if moved_net(movement) < 0 => {
            ("Taken by the programme", "Списано программой")
        }
        JournalKind::Adjustment => ("Added by the programme", "Добавлено программой"),
        JournalKind::TransferOut => ("Given to another member", "Передано другому участнику"),
        JournalKind::TransferIn => (
            "Received from another member",
            "Получено от другого участника",
        ),
    }
}

/// Change of what the member has, less what he owes, in hundredths.
fn moved_net(movement: &Movement) -> i64 {
    [movement.pending, movement.held]
        .into_iter()
        .fold(movement.available.hundredths(), |sum, part| {
            sum.saturating_add(part.hundredths())
        })
        .saturating_sub(movement.debt.hundredths())
}

/// How many points the movement is about, in hundredths.
fn moved(movement: &Movement) -> i64 {
    match movement.kind {
        JournalKind::Activation => movement.pending.hundredths(),
        JournalKind::Hold | JournalKind::Capture | JournalKind::Release => {
            movement.held.hundredths()
        }
        JournalKind::DebtPayment => movement.debt.hundredths(),
        JournalKind::Accrual
        | JournalKind::Redemption
        | JournalKind::Expiry
        | JournalKind::Clawback
        | JournalKind::Restoration
        | JournalKind::Adjustment
        | JournalKind::TransferOut
        | JournalKind::TransferIn => moved_net(movement),
    }
}

/// An amount of points with its noun, without sign.
fn amount(hundredths: i64, language: Language) -> String {
    let (whole, rest) = (
        hundredths.unsigned_abs() / 100,
        hundredths.unsigned_abs() % 100,
    );
    let (mark, noun) = match language {
        Language::English => (
            ".",
            if whole == 1 && rest == 0 {
                "point"
            } else {
                "points"
            },
        ),
        Language::Russian => (",", russian_noun(whole, rest)),
    };
    match rest {
        0 => format!("{whole} {noun}"),
        _ if rest % 10 == 0 => format!("{whole}{mark}{} {noun}", rest / 10),
        _ => format!("{whole}{mark}{rest:02} {noun}"),
    }
}

fn russian_noun(whole: u64, rest: u64) -> &'static str {
    match (rest, whole % 10, whole % 100) {
        (0, 1, hundred) if hundred != 11 => "балл",
        (0, 2..=4, hundred) if !(12..=14).contains(&hundred) => "балла",
        (0, ..) => "баллов",
        _ => "балла",
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::money::Points;
    use uuid::Uuid;

    use super::*;

    fn movement(kind: JournalKind, changes: [i64; 4]) -> Movement {
        let [available, pending, held, debt] = changes.map(Points::from_hundredths);
        Movement {
            id: Uuid::from_u128(1).into(),
            kind,
            business: None,
            source: None,
            occurred_at: DateTime::UNIX_EPOCH,
            available,
            pending,
            held,
            debt,
        }
    }

    #[test]
    fn nouns_follow_their_numbers() {
        for (hundredths, english, russian) in [
            (0, "0 points", "0 баллов"),
            (100, "1 point", "1 балл"),
            (300, "3 points", "3 балла"),
            (1_100, "11 points", "11 баллов"),
            (1_300, "13 points", "13 баллов"),
            (12_100, "121 points", "121 балл"),
            (12_500, "125 points", "125 баллов"),
            (150, "1.5 points", "1,5 балла"),
            (-505, "5.05 points", "5,05 балла"),
        ] {
            assert_eq!(amount(hundredths, Language::English), english);
            assert_eq!(amount(hundredths, Language::Russian), russian);
        }
    }

    #[test]
    fn every_kind_says_how_many() {
        for (kind, changes, english) in [
            (
                JournalKind::Accrual,
                [0, 500, 0, 0],
                "Given, to become active later: 5 points.",
            ),
            (
                JournalKind::Activation,
                [500, -500, 0, 0],
                "Now active: 5 points.",
            ),
            (
                JournalKind::Redemption,
                [-500, 0, 0, 0],
                "Paid for a purchase: 5 points.",
            ),
            (
                JournalKind::Hold,
                [-500, 0, 500, 0],
                "Set aside for a checkout: 5 points.",
            ),
            (
                JournalKind::Capture,
                [0, 0, -500, 0],
                "Paid with points set aside: 5 points.",
            ),
            (
                JournalKind::Release,
                [500, 0, -500, 0],
                "No longer set aside: 5 points.",
            ),
            (JournalKind::Expiry, [-500, 0, 0, 0], "Expired: 5 points."),
            (
                JournalKind::Clawback,
                [-300, 0, 0, 200],
                "Taken back after a refund: 5 points, of which owed: 2 points.",
            ),
            (
                JournalKind::Restoration,
                [500, 0, 0, 0],
                "Given back after a refund: 5 points.",
            ),
            (
                JournalKind::DebtPayment,
                [-500, 0, 0, -500],
                "Debt paid off: 5 points.",
            ),
            (
                JournalKind::Adjustment,
                [-500, 0, 0, 0],
                "Taken by the programme: 5 points.",
            ),
            (
                JournalKind::Adjustment,
                [500, 0, 0, 0],
                "Added by the programme: 5 points.",
            ),
        ] {
            assert_eq!(
                sentence(&movement(kind, changes), Language::English),
                english
            );
        }
    }

    #[test]
    fn what_people_do_by_hand_says_so() {
        for (kind, changes, english) in [
            (
                JournalKind::Adjustment,
                [-300, 0, 0, 200],
                "Taken by the programme: 5 points, of which owed: 2 points.",
            ),
            (
                JournalKind::TransferOut,
                [-500, 0, 0, 0],
                "Given to another member: 5 points.",
            ),
            (
                JournalKind::TransferIn,
                [500, 0, 0, 0],
                "Received from another member: 5 points.",
            ),
        ] {
            let movement = movement(kind, changes);
            assert_eq!(sentence(&movement, Language::English), english);
        }
    }

    #[test]
    fn the_place_is_named_in_both_languages() {
        let mut earned = movement(JournalKind::Accrual, [2_500, 0, 0, 0]);
        earned.business = Some((Uuid::from_u128(2).into(), "Кафе «Луна»".to_owned()));
        earned.source = Some(MovementSource::Purchase(Uuid::from_u128(3).into()));
        assert_eq!(
            sentence(&earned, Language::English),
            "Earned by a purchase at Кафе «Луна»: 25 points."
        );
        assert_eq!(
            sentence(&earned, Language::Russian),
            "Начислено за покупку (Кафе «Луна»): 25 баллов."
        );
    }
}
