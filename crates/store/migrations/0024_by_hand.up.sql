-- Points given and taken by hand, points that members give to each other, and blocks of members.
-- Amounts are hundredths of a point.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- points below zero are taken. funder_id null: the programme. applied: what was given or taken in the end.
create table adjustments (
    id uuid primary key,
    member_id uuid not null references members (id),
    points bigint not null,
    funder_id uuid references businesses (id),
    into_debt boolean not null,
    reason text not null,
    status text not null,
    applied bigint,
    requested_by uuid not null references members (id),
    requested_at timestamptz not null,
    decided_by uuid references members (id),
    decided_at timestamptz,
    decision_note text,
    constraint adjustments_points_not_zero check (points <> 0),
    constraint adjustments_only_taking_owes check (points < 0 or not into_debt),
    constraint adjustments_reason_given check (length(reason) between 1 and 500),
    constraint adjustments_status_known check (status in ('waiting', 'done', 'declined')),
    constraint adjustments_applied_when_done check ((status = 'done') = (applied is not null)),
    constraint adjustments_applied_range check (
        applied <> 0 and sign(applied) = sign(points) and abs(applied) <= abs(points)
    ),
    constraint adjustments_decided_whole check ((decided_by is null) = (decided_at is null)),
    constraint adjustments_waiting_undecided check (status <> 'waiting' or decided_by is null),
    constraint adjustments_declined_decided check (status <> 'declined' or decided_by is not null),
    constraint adjustments_second_person check (status <> 'done' or decided_by <> requested_by)
);
create index adjustments_of_member on adjustments (member_id, id);
create index adjustments_waiting on adjustments (id) where status = 'waiting';
create index adjustments_of_funder on adjustments (funder_id) where funder_id is not null;
create index adjustments_by_author on adjustments (requested_by);
create index adjustments_by_decider on adjustments (decided_by) where decided_by is not null;

-- What was asked for stays as it was asked, and is decided once.
create function refuse_other_than_decision() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' or old.status <> 'waiting'
        or (new.id, new.member_id, new.points, new.funder_id, new.into_debt, new.reason, new.requested_by, new.requested_at)
           is distinct from
           (old.id, old.member_id, old.points, old.funder_id, old.into_debt, old.reason, old.requested_by, old.requested_at)
    then
        raise exception 'an adjustment is only decided, and once: % refused', tg_op using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger adjustments_only_decided before update or delete on adjustments
    for each row execute function refuse_other_than_decision();
create trigger adjustments_no_truncate before truncate on adjustments
    for each statement execute function refuse_change();

-- parts: from which lot to which, and how many points.
create table transfers (
    id uuid primary key,
    from_member_id uuid not null references members (id),
    to_member_id uuid not null references members (id),
    points bigint not null,
    parts jsonb not null,
    day date not null,
    created_at timestamptz not null,
    constraint transfers_points_positive check (points > 0),
    constraint transfers_to_another check (from_member_id <> to_member_id)
);
create index transfers_of_giver on transfers (from_member_id, day);
create index transfers_of_taker on transfers (to_member_id, id);
create trigger transfers_append_only before update or delete on transfers
    for each row execute function refuse_change();
create trigger transfers_no_truncate before truncate on transfers
    for each statement execute function refuse_change();

-- Why a member was blocked, and why no longer.
create table member_blocks (
    id uuid primary key,
    member_id uuid not null references members (id),
    reason text not null,
    blocked_by uuid not null references members (id),
    blocked_at timestamptz not null,
    lift_reason text,
    lifted_by uuid references members (id),
    lifted_at timestamptz,
    constraint member_blocks_reason_given check (length(reason) between 1 and 500),
    constraint member_blocks_lifted_whole check (
        (lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null)
    ),
    constraint member_blocks_forward check (lifted_at >= blocked_at)
);
create unique index member_blocks_one_open on member_blocks (member_id) where lifted_at is null;
create index member_blocks_of_member on member_blocks (member_id, id);
create index member_blocks_by_author on member_blocks (blocked_by);
create index member_blocks_by_lifter on member_blocks (lifted_by) where lifted_by is not null;

-- The ledger knows transfers. Rows are compared with it in the next step, while others go on writing.
-- squawk-ignore ban-drop-constraint
alter table journals drop constraint journals_kind_known;
alter table journals add constraint journals_kind_known check (kind in (
    'accrual', 'activation', 'redemption', 'hold', 'capture', 'release', 'expiry',
    'clawback', 'restoration', 'debt_payment', 'adjustment', 'transfer_out', 'transfer_in'
)) not valid;

select grant_to_app('select, insert, update (status, applied, decided_by, decided_at, decision_note)', 'adjustments');
select grant_to_app('select, insert', 'transfers');
select grant_to_app('select, insert, update (lift_reason, lifted_by, lifted_at)', 'member_blocks');
