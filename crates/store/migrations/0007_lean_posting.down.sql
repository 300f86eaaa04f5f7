set lock_timeout = '2s';
set statement_timeout = '60s';

-- Kept answers can't be named by their principals again; whoever repeats a request of before is answered by the receipt.
drop table kept_answers;
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
select grant_to_app('select, insert, delete', 'idempotency_keys');

alter table purchases drop column import_id, drop column import_row;

create index purchases_by_time on purchases (business_id, occurred_at);
create index lots_by_origin on lots (origin_id) where origin_id is not null;
create index holds_to_lapse on holds (expires_at) where status = 'active';
create index lots_to_expire on lots (expires_at) where open and expires_at is not null;
create index lots_to_activate on lots (activates_at) where pending and open;

alter table receipts add constraint receipts_business_id_fkey foreign key (business_id) references businesses (id);
alter table purchases add constraint purchases_business_id_fkey foreign key (business_id) references businesses (id);
alter table purchases add constraint purchases_location_id_fkey foreign key (location_id) references locations (id);
alter table purchases add constraint purchases_member_id_fkey foreign key (member_id) references members (id);

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
insert into purchase_lines
select p.id, (l.line ->> 'line')::smallint, l.line ->> 'category', (l.line ->> 'amount')::bigint,
       coalesce((l.line ->> 'paid_by_points')::bigint, 0), coalesce((l.line ->> 'points_spent')::bigint, 0),
       (select coalesce(sum((a ->> 'granted')::bigint), 0)
        from jsonb_array_elements(p.explanation -> 'accruals') a where a -> 'line' = l.line -> 'line')
from purchases p cross join lateral jsonb_array_elements(p.explanation -> 'lines') l (line);
create trigger purchase_lines_append_only before update or delete on purchase_lines
    for each row execute function refuse_change();
create trigger purchase_lines_no_truncate before truncate on purchase_lines
    for each statement execute function refuse_change();
select grant_to_app('select, insert', 'purchase_lines');

alter table refunds add constraint refunds_purchase_id_fkey foreign key (purchase_id) references purchases (id);
alter table refunds add constraint refunds_business_id_fkey foreign key (business_id) references businesses (id);
alter table refund_lines add constraint refund_lines_refund_id_fkey foreign key (refund_id) references refunds (id);
alter table lots add constraint lots_funder_id_fkey foreign key (funder_id) references businesses (id);
alter table journals add constraint journals_member_id_fkey foreign key (member_id) references members (id);
alter table ledger_entries
add constraint ledger_entries_journal_id_fkey foreign key (journal_id) references journals (id);
alter table member_businesses
add constraint member_businesses_member_id_fkey foreign key (member_id) references members (id);
alter table member_businesses
add constraint member_businesses_business_id_fkey foreign key (business_id) references businesses (id);
alter table member_days add constraint member_days_member_id_fkey foreign key (member_id) references members (id);
alter table member_rule_usage
add constraint member_rule_usage_member_id_fkey foreign key (member_id) references members (id);
alter table member_rule_usage
add constraint member_rule_usage_rule_id_fkey foreign key (rule_id) references earning_rules (id);
alter table used_member_codes
add constraint used_member_codes_member_id_fkey foreign key (member_id) references members (id);
