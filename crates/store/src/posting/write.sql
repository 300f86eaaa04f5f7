-- All that a group changes: a table each, one column of values a parameter. $1 is the present moment.
with kept as (
    insert into kept_answers (digest, body_hash, status, purchase_id, location, response, created_at)
    select u.*, $1
    from unnest($2::uuid[], $3::bytea[], $4::smallint[], $5::uuid[], $6::text[], $7::bytea[]) as u
),
seen as (
    insert into receipts (business_id, kind, receipt_number, transaction_id)
    select * from unnest($8::uuid[], $9::text[], $10::text[], $11::uuid[])
),
coded as (
    insert into used_member_codes (member_id, step, used_at)
    select u.*, $1 from unnest($12::uuid[], $13::bigint[]) as u
),
bought as (
    insert into purchases (id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total,
                           paid_by_points, paid_by_money, points_spent, points_earned, tier, tier_after,
                           available_after, debt_after, explanation, occurred_at, recorded_at, import_id,
                           import_row)
    select * from unnest($14::uuid[], $15::uuid[], $16::uuid[], $17::text[], $18::text[], $19::uuid[],
                         $20::uuid[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[],
                         $25::bigint[], $26::text[], $27::text[], $28::bigint[], $29::bigint[],
                         $30::jsonb[], $31::timestamptz[], $32::timestamptz[], $33::uuid[], $34::bigint[])
),
held as (
    update wallets w
    set available = u.available, pending = u.pending, held = u.held, debt = u.debt,
        next_change_at = u.next_change_at, tier = u.tier, tier_since = u.tier_since,
        counted_from = u.counted_from, counted_spend = u.counted_spend, counted_points = u.counted_points
    from unnest($35::uuid[], $36::bigint[], $37::bigint[], $38::bigint[], $39::bigint[],
                $40::timestamptz[], $41::text[], $42::timestamptz[], $43::date[], $44::bigint[], $45::bigint[])
         as u (member_id, available, pending, held, debt, next_change_at, tier, tier_since, counted_from,
               counted_spend, counted_points)
    where w.member_id = u.member_id and w.member_id = any($35)
),
made as (
    insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                      amount, remaining, expired, pending, open)
    select u.*, u.remaining > 0
    from unnest($46::uuid[], $47::uuid[], $48::text[], $49::uuid[], $50::uuid[], $51::timestamptz[],
                $52::timestamptz[], $53::timestamptz[], $54::bigint[], $55::bigint[], $56::bigint[],
                $57::bool[])
         as u (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
               amount, remaining, expired, pending)
),
drawn as (
    update lots l
    set expires_at = u.expires_at, remaining = u.remaining, expired = u.expired, pending = u.pending,
        open = u.remaining > 0
    from unnest($58::uuid[], $59::timestamptz[], $60::bigint[], $61::bigint[], $62::bool[])
         as u (id, expires_at, remaining, expired, pending)
    where l.id = u.id and l.id = any($58)
),
written as (
    insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
    select u.*, $1
    from unnest($63::uuid[], $64::text[], $65::uuid[], $66::uuid[], $67::uuid[], $68::timestamptz[]) as u
),
entered as (
    insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
    select * from unnest($69::uuid[], $70::smallint[], $71::text[], $72::uuid[], $73::uuid[], $74::uuid[],
                         $75::bigint[])
),
day as (
    insert into member_days as d (member_id, day, net_spend, points_earned)
    select * from unnest($76::uuid[], $77::date[], $78::bigint[], $79::bigint[])
    on conflict (member_id, day) do update
    set net_spend = d.net_spend + excluded.net_spend,
        points_earned = d.points_earned + excluded.points_earned
),
visited as (
    insert into member_businesses as m (member_id, business_id, visits, first_visit_at, last_visit_at, day_accruals, day)
    select u.*, $101::date
    from unnest($80::uuid[], $81::uuid[], $82::int[], $83::timestamptz[], $84::timestamptz[], $85::int[]) as u
    on conflict (member_id, business_id) do update
    set visits = greatest(0, m.visits + excluded.visits),
        day_accruals = excluded.day_accruals + case when m.day = excluded.day then m.day_accruals else 0 end,
        day = excluded.day,
        first_visit_at = least(m.first_visit_at, excluded.first_visit_at),
        last_visit_at = greatest(m.last_visit_at, excluded.last_visit_at)
),
used as (
    insert into member_rule_usage as m (member_id, rule_id, period_start, granted)
    select * from unnest($86::uuid[], $87::uuid[], $88::date[], $89::bigint[])
    on conflict (member_id, rule_id, period_start) do update set granted = m.granted + excluded.granted
),
credited as (
    insert into staff_credits as s (member_id, cashier_id, business_id, credits, points, hour)
    select u.*, $102::timestamptz
    from unnest($90::uuid[], $91::uuid[], $92::uuid[], $93::int[], $94::bigint[]) as u
    on conflict (member_id, cashier_id, business_id, hour) do update
    set credits = s.credits + excluded.credits, points = s.points + excluded.points
)
insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
select u.*, $1
from unnest($95::uuid[], $96::text[], $97::uuid[], $98::uuid[], $99::uuid[], $100::jsonb[]) as u
