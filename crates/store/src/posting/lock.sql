-- Keys are taken, members found, wallets locked in order of member: a row for each key and each wallet. Wallets are
-- locked by key alone: a join would lose the row that changed while the lock was waited for.
with named (id) as materialized (
    select id from members where id = any($1)
    union all
    select id from members where phone_hash = any($2)
    union all
    select id from members where phone_hash_2 = any($2)
    union all
    select id from members where number = any($3)
    union all
    select k.member_id from member_cards k join sessions s on s.id = k.session_id and s.ended_at is null
    where k.locator = any($4)
    union all
    select a.member_id
    from (select unnest($5::uuid[]) as business_id, unnest($6::text[]) as alias) u
    join member_aliases a on a.business_id = u.business_id and a.external_id = u.alias
),
locked as materialized (
    select member_id from wallets where member_id = any (array(select id from named))
    order by member_id for no key update
)
select l.member_id as "member_id?", 0::bigint as "n!", true as "free!"
from locked l
union all
select null, k.n, pg_try_advisory_xact_lock(k.a, k.b)
from (select unnest($7::int[]) as a, unnest($8::int[]) as b, generate_subscripts($7::int[], 1)::bigint as n) k
