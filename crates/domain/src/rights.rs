//! What a caller may do: a person's role at a business, an operator's role, the scopes of an integration key.

use crate::names::named_values;

named_values! {
    /// A person's role at a business; each includes the ones before it.
    StaffRole {
        /// Works at the till.
        Cashier = "cashier",
        /// Runs the shop.
        Manager = "manager",
        /// Answers for the business: staff, keys, money.
        Owner = "owner",
    }
}

named_values! {
    /// A role of somebody who runs the programme.
    OperatorRole {
        /// Reads reports.
        Analyst = "analyst",
        /// Helps members.
        Support = "support",
        /// Changes the programme.
        Admin = "admin",
    }
}

named_values! {
    /// What an integration key may do.
    Scope {
        /// Post purchases, refunds and voids.
        TransactionsWrite = "transactions:write",
        /// Read the business's purchases.
        TransactionsRead = "transactions:read",
        /// Look members up, quote.
        LoyaltyRead = "loyalty:read",
        /// Hold, capture and void points.
        LoyaltyWrite = "loyalty:write",
        /// Validate, reserve and redeem coupons.
        CouponsWrite = "coupons:write",
        /// Import files of purchases.
        ImportsWrite = "imports:write",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::UnknownName;

    #[test]
    fn names_go_there_and_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
        }
        for role in StaffRole::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!("root".parse::<OperatorRole>(), Err(UnknownName));
        assert!(StaffRole::Owner > StaffRole::Manager && StaffRole::Manager > StaffRole::Cashier);
    }
}
