-- What limits at the till count, and what an operator should look at.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- The last day of the programme's zone on which the member earned at the business, and how often on that day.
alter table member_businesses add column day date;
alter table member_businesses add column day_accruals integer;

-- What people at tills credited, an hour a row. A row belongs to the member, under whose wallet's lock it changes, so no
-- two tills wait for each other here.
create table staff_credits (
    member_id uuid not null references members (id),
    cashier_id uuid not null references members (id),
    business_id uuid not null references businesses (id),
    hour timestamptz not null,
    credits integer not null,
    points bigint not null,
    primary key (member_id, cashier_id, business_id, hour),
    constraint staff_credits_positive check (credits > 0 and points > 0)
) with (fillfactor = 80);
create index staff_credits_of_cashier on staff_credits (cashier_id, hour);
create index staff_credits_of_business on staff_credits (business_id, hour);

-- poster_id: the person at the till, or the key of the till. One open case for the same thing, however often it happens.
create table fraud_cases (
    id uuid primary key,
    kind text not null,
    business_id uuid not null references businesses (id),
    location_id uuid references locations (id),
    poster_id uuid not null,
    member_id uuid references members (id),
    occurrences integer not null,
    opened_at timestamptz not null,
    last_at timestamptz not null,
    closed_by uuid references members (id),
    closed_at timestamptz,
    note text,
    constraint fraud_cases_kind_known check (kind in (
        'member_accruals_day', 'cashier_member_day', 'cashier_points_hour', 'key_points_hour', 'location_points_hour',
        'repeated_credits'
    )),
    constraint fraud_cases_occurrences_positive check (occurrences > 0),
    constraint fraud_cases_forward check (last_at >= opened_at and closed_at >= opened_at),
    constraint fraud_cases_closed_whole check ((closed_at is null) = (closed_by is null) and (closed_at is null) = (note is null))
);
create unique index fraud_cases_one_open on fraud_cases (kind, business_id, location_id, poster_id, member_id)
    nulls not distinct where closed_at is null;
create index fraud_cases_open on fraud_cases (id) where closed_at is null;
create index fraud_cases_of_business on fraud_cases (business_id, id);
create index fraud_cases_of_member on fraud_cases (member_id) where member_id is not null;
create index fraud_cases_of_location on fraud_cases (location_id) where location_id is not null;
create index fraud_cases_by_closer on fraud_cases (closed_by) where closed_by is not null;

select grant_to_app('select, insert, update, delete', 'staff_credits');
select grant_to_app('select, insert, update (occurrences, last_at, closed_by, closed_at, note)', 'fraud_cases');
