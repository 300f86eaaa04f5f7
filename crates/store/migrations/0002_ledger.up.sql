-- The ledger of points: append-only journals and entries, the lots they move, and balances kept beside for speed.
-- Amounts are hundredths of a point.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- One row a member, locked first by whatever moves the member's points.
-- next_change_at: no open lot activates or expires, and no hold lapses, before this moment.
create table wallets (
    member_id uuid primary key references members (id),
    available bigint not null default 0,
    pending bigint not null default 0,
    held bigint not null default 0,
    debt bigint not null default 0,
    next_change_at timestamptz,
    tier text not null references tiers (code),
    tier_since timestamptz not null,
    constraint wallets_available_not_negative check (available >= 0),
    constraint wallets_pending_not_negative check (pending >= 0),
    constraint wallets_held_not_negative check (held >= 0),
    constraint wallets_debt_not_negative check (debt >= 0)
) with (fillfactor = 70);

-- Points earned together: one origin, one funder, one activation, one expiry.
-- funder_id null: the programme pays. pending: still booked in the pending account.
-- open repeats remaining > 0 so that a partial take does not touch the index.
create table lots (
    id uuid primary key,
    member_id uuid not null references members (id),
    origin text not null,
    origin_id uuid,
    funder_id uuid references businesses (id),
    earned_at timestamptz not null,
    activates_at timestamptz not null,
    expires_at timestamptz,
    amount bigint not null,
    remaining bigint not null,
    expired bigint not null default 0,
    pending boolean not null,
    open boolean not null,
    constraint lots_origin_known check (origin in ('purchase', 'promotion', 'adjustment', 'transfer', 'referral', 'event', 'coupon', 'chain')),
    constraint lots_amount_positive check (amount > 0),
    constraint lots_remaining_range check (remaining between 0 and amount),
    constraint lots_expired_range check (expired between 0 and amount),
    constraint lots_open_means_remaining check (open = (remaining > 0)),
    constraint lots_life_forward check (expires_at > activates_at)
) with (fillfactor = 85);
create index lots_of_member on lots (member_id, expires_at, id) where open;
create index lots_to_activate on lots (activates_at) where pending and open;
create index lots_to_expire on lots (expires_at) where open and expires_at is not null;
create index lots_by_origin on lots (origin_id) where origin_id is not null;

create table holds (
    id uuid primary key,
    business_id uuid not null references businesses (id),
    member_id uuid not null references members (id),
    reference text not null,
    status text not null,
    amount bigint not null,
    captured bigint not null default 0,
    purchase_id uuid,
    expires_at timestamptz not null,
    created_at timestamptz not null,
    constraint holds_reference_unique unique (business_id, reference),
    constraint holds_status_known check (status in ('active', 'captured', 'voided', 'lapsed')),
    constraint holds_amount_positive check (amount > 0),
    constraint holds_captured_range check (captured between 0 and amount),
    constraint holds_captured_has_status check ((captured > 0) = (status = 'captured'))
);
create index holds_active_of_member on holds (member_id) where status = 'active';
create index holds_to_lapse on holds (expires_at) where status = 'active';

-- One movement of points with a reason. Its entries sum to zero.
create table journals (
    id uuid primary key,
    kind text not null,
    member_id uuid not null references members (id),
    business_id uuid,
    source_id uuid,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint journals_kind_known check (kind in (
        'accrual', 'activation', 'redemption', 'hold', 'capture', 'release', 'expiry',
        'clawback', 'restoration', 'debt_payment', 'adjustment'
    ))
);
create index journals_of_member on journals (member_id, id);
create index journals_by_source on journals (source_id) where source_id is not null;

create table ledger_entries (
    journal_id uuid not null references journals (id),
    n smallint not null,
    account text not null,
    member_id uuid,
    business_id uuid,
    lot_id uuid,
    amount bigint not null,
    primary key (journal_id, n),
    constraint ledger_entries_amount_not_zero check (amount <> 0),
    constraint ledger_entries_account_has_owner check (
        case
            when account in ('member_available', 'member_pending', 'member_held')
                then member_id is not null and business_id is null and lot_id is not null
            when account = 'member_debt' then member_id is not null and business_id is null and lot_id is null
            when account in ('business_issued', 'business_honoured')
                then member_id is null and business_id is not null and lot_id is null
            when account in ('programme_issued', 'programme_breakage')
                then member_id is null and business_id is null and lot_id is null
            else false
        end
    )
);

create trigger journals_append_only before update or delete on journals
    for each row execute function refuse_change();
create trigger journals_no_truncate before truncate on journals
    for each statement execute function refuse_change();
create trigger ledger_entries_append_only before update or delete on ledger_entries
    for each row execute function refuse_change();
create trigger ledger_entries_no_truncate before truncate on ledger_entries
    for each statement execute function refuse_change();

select grant_to_app('select, insert, update', 'wallets');
select grant_to_app('select, insert, update', 'lots');
select grant_to_app('select, insert, update', 'holds');
select grant_to_app('select, insert', 'journals');
select grant_to_app('select, insert', 'ledger_entries');
