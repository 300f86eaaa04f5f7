-- Keys are taken, members found, wallets locked: rows of three kinds. Wallets are locked by key alone: a join would lose
-- the row that changed while the lock was waited for.
with named (way, n, id, status, birthday_sealed) as materialized (
    select 1::smallint, u.n, m.id, m.status, m.birthday_sealed
    from unnest($1::uuid[]) with ordinality as u (id, n)
    cross join lateral (select * from members where id = u.id limit 1) m
    union all
    select 2::smallint, u.n, m.id, m.status, m.birthday_sealed
    from unnest($2::bytea[]) with ordinality as u (hash, n)
    cross join lateral (select * from members where phone_hash = u.hash union all
                        select * from members where phone_hash_2 = u.hash limit 1) m
    union all
    select 3::smallint, u.n, m.id, m.status, m.birthday_sealed
    from unnest($3::text[]) with ordinality as u (number, n)
    cross join lateral (select * from members where number = u.number limit 1) m
    union all
    select 4::smallint, u.n, m.id, m.status, m.birthday_sealed
    from unnest($4::text[]) with ordinality as u (locator, n)
    cross join lateral (select k.member_id from member_cards k join sessions s on s.id = k.session_id
                        where k.locator = u.locator and s.ended_at is null limit 1) c
    cross join lateral (select * from members where id = c.member_id limit 1) m
    union all
    select 5::smallint, u.n, m.id, m.status, m.birthday_sealed
    from unnest($5::uuid[], $6::text[]) with ordinality as u (business_id, alias, n)
    cross join lateral (select member_id from member_aliases
                        where business_id = u.business_id and external_id = u.alias limit 1) a
    cross join lateral (select * from members where id = a.member_id limit 1) m
),
locked as materialized (
    select member_id, available, pending, held, debt, next_change_at, spending_from, tier, tier_since,
           counted_from, counted_spend, counted_points
    from wallets where member_id = any (array(select id from named))
    order by member_id for no key update
)
select n.way as "way!", n.n as "n!", n.id as "id?", n.status as "status?", n.birthday_sealed,
       null::bigint as available, null::bigint as pending, null::bigint as held, null::bigint as debt,
       null::timestamptz as next_change_at, null::timestamptz as spending_from, null::text as "tier?", null::timestamptz as tier_since,
       null::date as counted_from, null::bigint as counted_spend, null::bigint as counted_points
from named n
union all
select 6::smallint, 0, w.member_id, null, null, w.available, w.pending, w.held, w.debt, w.next_change_at,
       w.spending_from, w.tier, w.tier_since, w.counted_from, w.counted_spend, w.counted_points
from locked w
union all
select 0::smallint, k.n, null, case when pg_try_advisory_xact_lock(k.a, k.b) then 'free' else 'taken' end,
       null, null, null, null, null, null, null, null, null, null, null, null
from unnest($7::int[], $8::int[]) with ordinality as k (a, b, n)
