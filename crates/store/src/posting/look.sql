-- All that a group's decisions depend on, as of one moment: one row, a list a column. $23 is the present moment. It costs
-- more to set up than to run for a few orders: hence no aggregates and no columns that nobody reads.
with named (way, n, id, status, birthday_sealed) as materialized (
    select 1::smallint, u.n, m.id, m.status, m.birthday_sealed
    from (select unnest($1::uuid[]) as id, generate_subscripts($1::uuid[], 1) as n) u
    join members m on m.id = u.id
    union all
    select 2::smallint, u.n, m.id, m.status, m.birthday_sealed
    from (select unnest($2::bytea[]) as hash, generate_subscripts($2::bytea[], 1) as n) u
    cross join lateral (select id, status, birthday_sealed from members where phone_hash = u.hash union all
                        select id, status, birthday_sealed from members where phone_hash_2 = u.hash limit 1) m
    union all
    select 3::smallint, u.n, m.id, m.status, m.birthday_sealed
    from (select unnest($3::text[]) as number, generate_subscripts($3::text[], 1) as n) u
    join members m on m.number = u.number
    union all
    select 4::smallint, u.n, m.id, m.status, m.birthday_sealed
    from (select unnest($4::text[]) as locator, generate_subscripts($4::text[], 1) as n) u
    join member_cards k on k.locator = u.locator join sessions s on s.id = k.session_id and s.ended_at is null
    join members m on m.id = k.member_id
    union all
    select 5::smallint, u.n, m.id, m.status, m.birthday_sealed
    from (select unnest($5::uuid[]) as business_id, unnest($6::text[]) as alias,
                 generate_subscripts($5::uuid[], 1) as n) u
    join member_aliases a on a.business_id = u.business_id and a.external_id = u.alias
    join members m on m.id = a.member_id
),
held as materialized (
    select member_id, available, pending, held, debt, next_change_at, spending_from, tier, tier_since,
           counted_from, counted_spend, counted_points, xmin::text::bigint as version
    from wallets where member_id = any (array(select id from named))
),
asked as materialized (
    select n.id as member_id, a.business_id, a.cashier_id, a.step, a.visits, a.pays
    from (select unnest($11::smallint[]) as way, unnest($12::int[]) as n, unnest($13::uuid[]) as business_id,
                 unnest($14::uuid[]) as cashier_id, unnest($15::bigint[]) as step, unnest($16::bool[]) as visits,
                 unnest($17::bool[]) as pays) a
    join named n on n.way = a.way and n.n = a.n
)
select
array(select (n.way, n.n, n.id, n.status, n.birthday_sealed) from named n) as "named!: Vec<NamedRecord>",
array(select ((w.member_id, w.available, w.pending, w.held, w.debt),
                   (w.next_change_at, w.spending_from, w.tier, w.tier_since),
                   (w.counted_from, w.counted_spend, w.counted_points), w.version)
 from held w) as "wallets!: Vec<wallets::Record>",
array(select (k.digest, k.body_hash, k.status, k.purchase_id, k.location, k.response)
 from kept_answers k where k.digest = any($7)) as "kept!: Vec<kept_answers::Record>",
array(select (r.business_id, r.kind, r.receipt_number, r.transaction_id)
 from (select unnest($8::uuid[]) as business_id, unnest($9::text[]) as kind, unnest($10::text[]) as receipt_number) u
 join receipts r on r.business_id = u.business_id and r.kind = u.kind
                     and r.receipt_number = u.receipt_number) as "receipts!: Vec<(Uuid, String, String, Uuid)>",
array(select (c.member_id, c.step)
 from asked a
 join used_member_codes c on c.member_id = a.member_id and c.step = a.step) as "codes!: Vec<(Uuid, i64)>",
array(select (w.member_id, s.net_spend, s.points_earned)
 from held w
 cross join lateral (select coalesce(sum(net_spend), 0)::bigint as net_spend,
                            coalesce(sum(points_earned), 0)::bigint as points_earned
                     from member_days where member_id = w.member_id
                       and day >= case when w.counted_from < $20 then w.counted_from else $20 end
                       and day < case when w.counted_from < $20 then $20 else 'infinity' end) s
 where w.counted_from is distinct from $20::date) as "sums!: Vec<(Uuid, i64, i64)>",
array(select (b.member_id, b.business_id, b.visits, case when b.day = $21 then b.day_accruals else 0 end)
 from asked a join member_businesses b on b.member_id = a.member_id and b.business_id = a.business_id where a.visits) as "visits!: Vec<(Uuid, Uuid, i32, i32)>",
array(select (a.member_id, a.business_id, a.cashier_id, c.credits)
 from asked a
 cross join lateral (select coalesce(sum(credits), 0)::int as credits from staff_credits
                     where member_id = a.member_id and cashier_id = a.cashier_id and business_id = a.business_id
                       and hour >= $22) c where a.cashier_id is not null) as "credits!: Vec<(Uuid, Uuid, Uuid, i32)>",
array(select (m.member_id, m.rule_id, m.period_start, m.granted)
 from member_rule_usage m where m.member_id = any(array(select member_id from held)) and m.rule_id = any($18)) as "usage!: Vec<(Uuid, Uuid, NaiveDate, i64)>",
array(select (b.rule_id, b.granted) from rule_budgets b where b.rule_id = any($19)) as "budgets!: Vec<(Uuid, i64)>",
array(select ((l.id, l.member_id, l.origin, l.origin_id, l.funder_id),
                   (l.earned_at, l.activates_at, l.expires_at),
                   (l.amount, l.remaining, l.expired, l.pending))
 from (select w.member_id, w.next_change_at <= $23 as due from held w
       where w.next_change_at <= $23 or w.member_id in (select member_id from asked where pays)) w
 cross join lateral (select * from lots where member_id = w.member_id and open and (w.due or not pending)
                           order by expires_at, id limit case when w.due then null else 64 end) l) as "lots!: Vec<lots::Record>"
