-- Purchases with their refunds, earning rules and their limits, idempotency, the outbox.
-- Money is in hundredths of the currency, points are in hundredths of a point.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- A receipt belongs to one transaction for ever.
create table receipts (
    business_id uuid not null references businesses (id),
    kind text not null,
    receipt_number text not null,
    transaction_id uuid not null,
    primary key (business_id, kind, receipt_number),
    constraint receipts_kind_known check (kind in ('purchase', 'refund'))
);

create table purchases (
    id uuid primary key,
    business_id uuid not null references businesses (id),
    location_id uuid references locations (id),
    cashier text,
    receipt_number text not null,
    member_id uuid not null references members (id),
    hold_id uuid references holds (id),
    total bigint not null,
    paid_by_points bigint not null,
    paid_by_money bigint not null,
    points_spent bigint not null,
    points_earned bigint not null,
    tier text not null,
    tier_after text not null,
    available_after bigint not null,
    debt_after bigint not null,
    explanation jsonb not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint purchases_parts_make_total check (total = paid_by_points + paid_by_money),
    constraint purchases_parts_not_negative check (
        paid_by_points >= 0 and paid_by_money >= 0 and points_spent >= 0 and points_earned >= 0
    )
);
create index purchases_of_business on purchases (business_id, id);
create index purchases_of_member on purchases (member_id, id);
create index purchases_by_time on purchases (business_id, occurred_at);
-- A hold pays one purchase.
create unique index purchases_hold_once on purchases (hold_id) where hold_id is not null;

create table purchase_lines (
    purchase_id uuid not null references purchases (id),
    line smallint not null,
    category text not null,
    amount bigint not null,
    paid_by_points bigint not null,
    points_spent bigint not null,
    points_earned bigint not null,
    primary key (purchase_id, line),
    constraint purchase_lines_amount_not_negative check (amount >= 0),
    constraint purchase_lines_points_part_range check (paid_by_points between 0 and amount and points_spent >= 0),
    constraint purchase_lines_earned_not_negative check (points_earned >= 0)
);

create table refunds (
    id uuid primary key,
    purchase_id uuid not null references purchases (id),
    business_id uuid not null references businesses (id),
    receipt_number text,
    is_void boolean not null,
    amount bigint not null,
    money_returned bigint not null,
    points_returned bigint not null,
    points_taken_back bigint not null,
    debt_added bigint not null,
    available_after bigint not null,
    debt_after bigint not null,
    reason text not null default '',
    explanation jsonb not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint refunds_amount_not_negative check (amount >= 0),
    constraint refunds_parts_not_negative check (
        money_returned >= 0 and points_returned >= 0 and points_taken_back >= 0 and debt_added >= 0
    )
);
create index refunds_of_purchase on refunds (purchase_id, id);
create index refunds_of_business on refunds (business_id, id);

create table refund_lines (
    refund_id uuid not null references refunds (id),
    line smallint not null,
    amount bigint not null,
    paid_by_points bigint not null,
    points_returned bigint not null,
    points_taken_back bigint not null,
    primary key (refund_id, line)
);

-- What happened between a member and a business: the n-th visit, the first and the last.
create table member_businesses (
    member_id uuid not null references members (id),
    business_id uuid not null references businesses (id),
    visits integer not null,
    first_visit_at timestamptz not null,
    last_visit_at timestamptz not null,
    primary key (member_id, business_id)
) with (fillfactor = 80);
create index member_businesses_of_business on member_businesses (business_id, member_id);

-- A member's progress, a row a day of the programme's zone.
create table member_days (
    member_id uuid not null references members (id),
    day date not null,
    net_spend bigint not null,
    points_earned bigint not null,
    primary key (member_id, day)
) with (fillfactor = 80);

-- business_id null: the rule holds at every business. funder_id null: the programme pays.
create table earning_rules (
    id uuid primary key,
    business_id uuid references businesses (id),
    funder_id uuid references businesses (id),
    created_at timestamptz not null
);
create index earning_rules_of_business on earning_rules (business_id, id);
create index earning_rules_of_funder on earning_rules (funder_id) where funder_id is not null;

-- A rule is changed from a date on: each version holds from effective_from until effective_until (exclusive).
create table earning_rule_versions (
    rule_id uuid not null references earning_rules (id),
    version integer not null,
    business_id uuid references businesses (id),
    effective_from timestamptz not null,
    effective_until timestamptz,
    definition jsonb not null,
    created_at timestamptz not null,
    primary key (rule_id, version),
    constraint earning_rule_versions_forward check (effective_until is null or effective_until >= effective_from)
);
create index earning_rule_versions_in_force on earning_rule_versions (business_id, effective_from);

create table rule_budgets (
    rule_id uuid primary key references earning_rules (id),
    granted bigint not null,
    constraint rule_budgets_not_negative check (granted >= 0)
) with (fillfactor = 50);

create table member_rule_usage (
    member_id uuid not null references members (id),
    rule_id uuid not null references earning_rules (id),
    period_start date not null,
    granted bigint not null,
    primary key (member_id, rule_id, period_start),
    constraint member_rule_usage_not_negative check (granted >= 0)
) with (fillfactor = 80);
create index member_rule_usage_of_rule on member_rule_usage (rule_id);

-- A rotating code is used once: one row a member and 30-second step.
create table used_member_codes (
    member_id uuid not null references members (id),
    step bigint not null,
    used_at timestamptz not null,
    primary key (member_id, step)
);
create index used_member_codes_by_time on used_member_codes (used_at);

-- The answer to a request that moved points, written in the transaction that moved them.
create table idempotency_keys (
    principal_id uuid not null,
    operation text not null,
    key text not null,
    body_hash bytea not null,
    status smallint not null,
    location text,
    response bytea not null,
    created_at timestamptz not null,
    primary key (principal_id, operation, key)
);
create index idempotency_keys_by_time on idempotency_keys (created_at);

-- What happened, for whoever follows: written with the effect, read in order of id, dropped by age.
create table outbox_events (
    id uuid primary key,
    kind text not null,
    member_id uuid,
    business_id uuid,
    subject_id uuid not null,
    payload jsonb not null,
    recorded_at timestamptz not null
);

create trigger receipts_append_only before update or delete on receipts
    for each row execute function refuse_change();
create trigger purchases_append_only before update or delete on purchases
    for each row execute function refuse_change();
create trigger purchase_lines_append_only before update or delete on purchase_lines
    for each row execute function refuse_change();
create trigger refunds_append_only before update or delete on refunds
    for each row execute function refuse_change();
create trigger refund_lines_append_only before update or delete on refund_lines
    for each row execute function refuse_change();
create trigger receipts_no_truncate before truncate on receipts
    for each statement execute function refuse_change();
create trigger purchases_no_truncate before truncate on purchases
    for each statement execute function refuse_change();
create trigger purchase_lines_no_truncate before truncate on purchase_lines
    for each statement execute function refuse_change();
create trigger refunds_no_truncate before truncate on refunds
    for each statement execute function refuse_change();
create trigger refund_lines_no_truncate before truncate on refund_lines
    for each statement execute function refuse_change();

select grant_to_app('select, insert', 'receipts');
select grant_to_app('select, insert', 'purchases');
select grant_to_app('select, insert', 'purchase_lines');
select grant_to_app('select, insert', 'refunds');
select grant_to_app('select, insert', 'refund_lines');
select grant_to_app('select, insert, update', 'member_businesses');
select grant_to_app('select, insert, update', 'member_days');
select grant_to_app('select, insert', 'earning_rules');
select grant_to_app('select, insert, update', 'earning_rule_versions');
select grant_to_app('select, insert, update', 'rule_budgets');
select grant_to_app('select, insert, update', 'member_rule_usage');
select grant_to_app('select, insert, delete', 'used_member_codes');
select grant_to_app('select, insert, delete', 'idempotency_keys');
select grant_to_app('select, insert, delete', 'outbox_events');
