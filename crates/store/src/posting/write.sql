-- All that a group changes: a table each, one column of values a parameter. $1 is the present moment. Where $103 is given,
-- no wallet was locked before: they are locked now and must have the versions that it holds, or nothing is written. Lists
-- stand in select lists, because each one in FROM would be copied before it is read.
with locked as materialized (
    select member_id, xmin::text::bigint as version from wallets
    where member_id = any($35) order by member_id for no key update
),
gate as materialized (
    select case
        when $103::bigint[] is null then true
        when (select count(*) from locked l
              join (select unnest($35::uuid[]) as member_id, unnest($103::bigint[]) as version) e
                on e.member_id = l.member_id and e.version = l.version) = cardinality($35::uuid[]) then true
        else refuse_overtaken()
    end as open
),
kept as (
    insert into kept_answers (digest, body_hash, status, purchase_id, location, response, created_at)
    select unnest($2::uuid[]) as digest, unnest($3::bytea[]) as body_hash, unnest($4::smallint[]) as status,
           unnest($5::uuid[]) as purchase_id, unnest($6::text[]) as location, unnest($7::bytea[]) as response, $1
),
seen as (
    insert into receipts (business_id, kind, receipt_number, transaction_id)
    select unnest($8::uuid[]) as business_id, unnest($9::text[]) as kind, unnest($10::text[]) as receipt_number,
           unnest($11::uuid[]) as transaction_id
),
coded as (
    insert into used_member_codes (member_id, step, used_at)
    select unnest($12::uuid[]) as member_id, unnest($13::bigint[]) as step, $1
),
bought as (
    insert into purchases (id, business_id, location_id, cashier, receipt_number, member_id, hold_id, total,
                           paid_by_points, paid_by_money, points_spent, points_earned, tier, tier_after,
                           available_after, debt_after, explanation, occurred_at, recorded_at, import_id,
                           import_row)
    select unnest($14::uuid[]) as id, unnest($15::uuid[]) as business_id, unnest($16::uuid[]) as location_id,
           unnest($17::text[]) as cashier, unnest($18::text[]) as receipt_number, unnest($19::uuid[]) as member_id,
           unnest($20::uuid[]) as hold_id, unnest($21::bigint[]) as total,
           unnest($22::bigint[]) as paid_by_points, unnest($23::bigint[]) as paid_by_money,
           unnest($24::bigint[]) as points_spent, unnest($25::bigint[]) as points_earned,
           unnest($26::text[]) as tier, unnest($27::text[]) as tier_after,
           unnest($28::bigint[]) as available_after, unnest($29::bigint[]) as debt_after,
           unnest($30::jsonb[]) as explanation, unnest($31::timestamptz[]) as occurred_at,
           unnest($32::timestamptz[]) as recorded_at, unnest($33::uuid[]) as import_id,
           unnest($34::bigint[]) as import_row
),
held as (
    update wallets w
    set available = u.available, pending = u.pending, held = u.held, debt = u.debt,
        next_change_at = u.next_change_at, tier = u.tier, tier_since = u.tier_since,
        counted_from = u.counted_from, counted_spend = u.counted_spend, counted_points = u.counted_points
    from (select unnest($35::uuid[]) as member_id, unnest($36::bigint[]) as available,
                 unnest($37::bigint[]) as pending, unnest($38::bigint[]) as held, unnest($39::bigint[]) as debt,
                 unnest($40::timestamptz[]) as next_change_at, unnest($41::text[]) as tier,
                 unnest($42::timestamptz[]) as tier_since, unnest($43::date[]) as counted_from,
                 unnest($44::bigint[]) as counted_spend, unnest($45::bigint[]) as counted_points) u
    where w.member_id = u.member_id and w.member_id = any($35)
),
made as (
    insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                      amount, remaining, expired, pending, open)
    select u.*, u.remaining > 0
    from (select unnest($46::uuid[]) as id, unnest($47::uuid[]) as member_id, unnest($48::text[]) as origin,
                 unnest($49::uuid[]) as origin_id, unnest($50::uuid[]) as funder_id,
                 unnest($51::timestamptz[]) as earned_at, unnest($52::timestamptz[]) as activates_at,
                 unnest($53::timestamptz[]) as expires_at, unnest($54::bigint[]) as amount,
                 unnest($55::bigint[]) as remaining, unnest($56::bigint[]) as expired,
                 unnest($57::bool[]) as pending) u
),
drawn as (
    update lots l
    set expires_at = u.expires_at, remaining = u.remaining, expired = u.expired, pending = u.pending,
        open = u.remaining > 0
    from (select unnest($58::uuid[]) as id, unnest($59::timestamptz[]) as expires_at,
                 unnest($60::bigint[]) as remaining, unnest($61::bigint[]) as expired,
                 unnest($62::bool[]) as pending) u
    where l.id = u.id and l.id = any($58)
),
written as (
    insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
    select unnest($63::uuid[]) as id, unnest($64::text[]) as kind, unnest($65::uuid[]) as member_id,
           unnest($66::uuid[]) as business_id, unnest($67::uuid[]) as source_id,
           unnest($68::timestamptz[]) as occurred_at, $1
),
entered as (
    insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
    select unnest($69::uuid[]) as journal_id, unnest($70::smallint[]) as n, unnest($71::text[]) as account,
           unnest($72::uuid[]) as member_id, unnest($73::uuid[]) as business_id, unnest($74::uuid[]) as lot_id,
           unnest($75::bigint[]) as amount
),
day as (
    insert into member_days as d (member_id, day, net_spend, points_earned)
    select unnest($76::uuid[]) as member_id, unnest($77::date[]) as day, unnest($78::bigint[]) as net_spend,
           unnest($79::bigint[]) as points_earned
    on conflict (member_id, day) do update
    set net_spend = d.net_spend + excluded.net_spend,
        points_earned = d.points_earned + excluded.points_earned
),
visited as (
    insert into member_businesses as m (member_id, business_id, visits, first_visit_at, last_visit_at, day_accruals, day)
    select unnest($80::uuid[]) as member_id, unnest($81::uuid[]) as business_id, unnest($82::int[]) as visits,
           unnest($83::timestamptz[]) as first_visit_at, unnest($84::timestamptz[]) as last_visit_at,
           unnest($85::int[]) as day_accruals, $101::date
    on conflict (member_id, business_id) do update
    set visits = greatest(0, m.visits + excluded.visits),
        day_accruals = excluded.day_accruals + case when m.day = excluded.day then m.day_accruals else 0 end,
        day = excluded.day,
        first_visit_at = least(m.first_visit_at, excluded.first_visit_at),
        last_visit_at = greatest(m.last_visit_at, excluded.last_visit_at)
),
used as (
    insert into member_rule_usage as m (member_id, rule_id, period_start, granted)
    select unnest($86::uuid[]) as member_id, unnest($87::uuid[]) as rule_id, unnest($88::date[]) as period_start,
           unnest($89::bigint[]) as granted
    on conflict (member_id, rule_id, period_start) do update set granted = m.granted + excluded.granted
),
credited as (
    insert into staff_credits as s (member_id, cashier_id, business_id, credits, points, hour)
    select unnest($90::uuid[]) as member_id, unnest($91::uuid[]) as cashier_id, unnest($92::uuid[]) as business_id,
           unnest($93::int[]) as credits, unnest($94::bigint[]) as points, $102::timestamptz
    on conflict (member_id, cashier_id, business_id, hour) do update
    set credits = s.credits + excluded.credits, points = s.points + excluded.points
)
insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
select unnest($95::uuid[]) as id, unnest($96::text[]) as kind, unnest($97::uuid[]) as member_id,
       unnest($98::uuid[]) as business_id, unnest($99::uuid[]) as subject_id, unnest($100::jsonb[]) as payload, $1
where (select open from gate)
