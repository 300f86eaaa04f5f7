//! `docs/rights.md`: the table of rights for people to read.

use std::fmt::Write as _;

use domain::rights::{OperatorRole, Scope, StaffRole};

use crate::routes::table;
use crate::table::Entry;

const HEAD: &str = "# Who may call what

Made from `crates/rest_api/src/routes.rs` by `owncircle rights`; the test command compares. Who has no mark is refused with 403 before
the handler runs, who shows no valid credential with 401. A person may have several roles, and every signed-in person is a member; an
admin has every operator's role; a key is a till or CRM with this scope.

Whose objects are reached (what belongs to another is answered 404, byte for byte like what does not exist):

- public: what anybody may see
- own: what belongs to the person who calls
- business: what belongs to a business where the caller has the role, or to which the key belongs; an operator who is named stands in for any
- own or business: either
- programme: what belongs to the programme

*Step-up* marks what wants a proof of identity that is at most five minutes old (401 `step_up_required`).

";

/// The page.
#[must_use]
pub fn rights_page() -> String {
    let mut page = HEAD.to_owned();
    let staff = StaffRole::ALL.iter().map(|role| role.as_str());
    let operators = OperatorRole::ALL.iter().map(|role| role.as_str());
    let roles: Vec<&str> = staff.chain(operators).collect();
    let columns = format!(
        "| operation | anyone | member | {} | key | whose | step-up |",
        roles.join(" | ")
    );
    let rule = "|---".repeat(roles.len() + 6);
    let _ = writeln!(page, "{columns}\n{rule}|");
    for entry in table() {
        let _ = writeln!(page, "{}", line(&entry));
    }
    page
}

fn line(entry: &Entry) -> String {
    let rights = &entry.rights;
    let mark = |may: bool| if may { "✓" } else { "" };
    let mut cells = vec![
        format!("{} {}", entry.method, entry.path),
        mark(rights.is_public()).to_owned(),
        mark(rights.has_members()).to_owned(),
    ];
    for role in StaffRole::ALL {
        cells.push(mark(rights.staff_roles().any(|may| may == *role)).to_owned());
    }
    for role in OperatorRole::ALL {
        cells.push(mark(rights.operator_roles().any(|may| may == *role)).to_owned());
    }
    cells.push(rights.scope().map_or("", Scope::as_str).to_owned());
    cells.push(rights.tenant().as_str().to_owned());
    cells.push(mark(rights.wants_step_up()).to_owned());
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_table_says() {
        let page = include_str!("../../../docs/rights.md");
        assert!(
            page == rights_page(),
            "docs/rights.md is not what the table says; run: make openapi"
        );
    }
}
