-- What pgbench needs on its copy of the database: one purchase as one function, and a set of purchases as one statement.
-- Both write row for row what the program writes; the bench counts the rows of each table before it trusts them.

-- The copy's members are found by a hash that a script can compute.
create function bench_phone(m integer) returns bytea language sql immutable
return sha256(convert_to('phone ' || m, 'UTF8'));

-- An identifier of version 7, as ours: ordered by time.
create function bench_uuid7() returns uuid language sql volatile
return encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid;

-- The name of a key: what the program makes of principal, operation and key.
create function bench_digest(principal uuid, key text) returns uuid language sql immutable
return encode(substring(sha256(uuid_send(principal) || convert_to('transactions.post' || chr(10) || key, 'UTF8'))
                        for 16), 'hex')::uuid;

-- What a program knows before it speaks to the database: who, where, when, and fresh identifiers.
create function bench_client(b integer, m integer)
returns table (business uuid, member uuid, phone_hash bytea, purchase uuid, lot uuid, journal uuid, event uuid,
               key text, digest uuid, moment timestamptz, today date, first_day date, expires timestamptz)
language sql volatile as $$
    select c.*, (c.moment at time zone 'Europe/Moscow')::date, (c.moment at time zone 'Europe/Moscow')::date - 364,
           bench_expiry(c.moment)
    from (select s.id, p.id, bench_phone(m), bench_uuid7(), bench_uuid7(), bench_uuid7(), bench_uuid7(), k.key,
                 bench_digest(s.id, k.key), clock_timestamp() as moment
          from bench_businesses s, bench_members p, (select bench_uuid7()::text as key) k
          where s.n = b and p.n = m) c
$$;

-- One plain purchase: all that ours writes, a row at a time, in one call. The till is known already.
create function bench_post(b integer, m integer, total bigint) returns bigint language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    today date := (moment at time zone 'Europe/Moscow')::date;
    expires timestamptz := bench_expiry(moment);
    shop businesses;
    buyer_id uuid;
    buyer_status text;
    wallet wallets;
    multiplier integer;
    level_now smallint;
    first_day date := today - 364;
    spend bigint;
    earned bigint;
    measure bigint;
    points bigint;
    tier_after text;
    purchase uuid := bench_uuid7();
    lot uuid := bench_uuid7();
    journal uuid := bench_uuid7();
    key text := bench_uuid7()::text;
begin
    select s.* into strict shop from bench_businesses n join businesses s on s.id = n.id where n.n = b;
    select id, status into strict buyer_id, buyer_status from members where phone_hash = bench_phone(m);
    select * into strict wallet from wallets where member_id = buyer_id for no key update;
    if shop.status <> 'active' or buyer_status not in ('waiting', 'active') or wallet.debt > 0
       or wallet.next_change_at <= moment then
        raise exception 'more than a plain purchase';
    end if;
    perform from earning_rule_versions
    where (business_id = shop.id or business_id is null) and effective_from <= moment
      and (effective_until is null or effective_until > moment);
    if found then
        raise exception 'more than a plain purchase';
    end if;
    insert into kept_answers (digest, body_hash, status, purchase_id, created_at)
    values (bench_digest(shop.id, key), bench_phone(m), 201, purchase, moment);
    insert into receipts (business_id, kind, receipt_number, transaction_id)
    values (shop.id, 'purchase', key, purchase);
    select t.multiplier_bp, t.level into strict multiplier, level_now from tiers t where t.code = wallet.tier;
    if wallet.counted_from <= first_day then
        select wallet.counted_spend - coalesce(sum(d.net_spend), 0), wallet.counted_points - coalesce(sum(d.points_earned), 0)
        into spend, earned from member_days d
        where d.member_id = buyer_id and d.day >= wallet.counted_from and d.day < first_day;
    else
        select coalesce(sum(d.net_spend), 0), coalesce(sum(d.points_earned), 0) into spend, earned
        from member_days d where d.member_id = buyer_id and d.day >= first_day;
    end if;
    measure := spend + total;
    select coalesce((select t.code from tiers t where t.threshold <= measure and t.level > level_now
                     order by t.level desc limit 1), wallet.tier) into tier_after;
    points := total * shop.base_rate_bp * multiplier / 100000000;
    insert into purchases (id, business_id, receipt_number, member_id, total, paid_by_points, paid_by_money,
                           points_spent, points_earned, tier, tier_after, available_after, debt_after, explanation,
                           occurred_at, recorded_at)
    values (purchase, shop.id, key, buyer_id, total, 0, total, 0, points, wallet.tier, tier_after,
            wallet.available + points, 0, bench_explanation(total, points, lot, moment, expires), moment,
            moment);
    update wallets w
    set available = w.available + points, next_change_at = least(w.next_change_at, expires), tier = tier_after,
        tier_since = case when tier_after = wallet.tier then w.tier_since else moment end,
        counted_from = first_day, counted_spend = measure, counted_points = earned + points
    where w.member_id = buyer_id;
    insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at, amount,
                      remaining, expired, pending, open)
    values (lot, buyer_id, 'purchase', purchase, shop.id, moment, moment, expires, points, points, 0, false, true);
    insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
    values (journal, 'accrual', buyer_id, shop.id, purchase, moment, moment);
    insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
    values (journal, 1, 'member_available', buyer_id, null, lot, points),
           (journal, 2, 'business_issued', null, shop.id, null, -points);
    insert into member_days as d (member_id, day, net_spend, points_earned) values (buyer_id, today, total, points)
    on conflict (member_id, day) do update
    set net_spend = d.net_spend + excluded.net_spend, points_earned = d.points_earned + excluded.points_earned;
    insert into member_businesses as v (member_id, business_id, visits, first_visit_at, last_visit_at)
    values (buyer_id, shop.id, 1, moment, moment)
    on conflict (member_id, business_id) do update
    set visits = v.visits + 1, first_visit_at = least(v.first_visit_at, excluded.first_visit_at),
        last_visit_at = greatest(v.last_visit_at, excluded.last_visit_at);
    insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
    values (bench_uuid7(), 'purchase.posted', buyer_id, shop.id, purchase, bench_event(total, points), moment);
    if tier_after <> wallet.tier then
        insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
        values (bench_uuid7(), 'member.tier_changed', buyer_id, shop.id, purchase,
                jsonb_build_object('from', wallet.tier, 'to', tier_after), moment);
    end if;
    return points;
end
$$;

-- Many plain purchases as a set, decided and written by one statement after the locks. No two of the `workers` have a
-- member in common. Tiers are as before the set: members reach a new one with its last purchase.
create function bench_post_set(rows integer, members integer, shops integer, worker integer, workers integer)
returns integer language plpgsql as $$
declare
    moment timestamptz := clock_timestamp();
    today date := (moment at time zone 'Europe/Moscow')::date;
    first_day date := today - 364;
    expires timestamptz := bench_expiry(moment);
    buyers uuid[];
    places uuid[];
    totals bigint[];
    written integer;
begin
    select array_agg(p.id), array_agg(s.id), array_agg(drawn.total) into buyers, places, totals
    from (select 1 + worker + workers * floor(members / workers * power(random(), 3))::integer as m,
                 1 + floor(shops * power(random(), 3))::integer as b,
                 10000 + floor(random() * 490001)::bigint as total
          from generate_series(1, rows)) drawn
    join bench_members p on p.n = drawn.m join bench_businesses s on s.n = drawn.b;
    perform from wallets where member_id = any (buyers) order by member_id for no key update;
    with drawn as materialized (
        select u.buyer, u.place, u.total, bench_uuid7() as purchase, bench_uuid7() as lot, bench_uuid7() as journal,
               bench_uuid7() as event, bench_uuid7()::text as key
        from unnest(buyers, places, totals) as u (buyer, place, total)
    ),
    spent as materialized (
        select w.member_id,
               case when w.counted_from <= first_day then w.counted_spend - d.spend else d.spend end as spend,
               case when w.counted_from <= first_day then w.counted_points - d.earned else d.earned end as earned
        from wallets w
        cross join lateral (
            select coalesce(sum(net_spend), 0)::bigint as spend, coalesce(sum(points_earned), 0)::bigint as earned
            from member_days
            where member_id = w.member_id
              and day >= case when w.counted_from <= first_day then w.counted_from else first_day end
              and day < case when w.counted_from <= first_day then first_day else 'infinity' end) d
        where w.member_id = any (buyers)
    ),
    priced as materialized (
        select d.*, w.tier, w.available, t.level, d.total * s.base_rate_bp * t.multiplier_bp / 100000000 as points
        from drawn d join wallets w on w.member_id = d.buyer join tiers t on t.code = w.tier
        join businesses s on s.id = d.place
    ),
    sums as materialized (
        select p.buyer, p.tier, sum(p.points)::bigint as points, sum(p.total)::bigint as total, max(p.purchase::text) as last,
               s.spend, s.earned,
               coalesce((select t.code from tiers t where t.level > p.level and t.threshold <= sum(p.total) + s.spend
                         order by t.level desc limit 1), p.tier) as tier_after
        from priced p join spent s on s.member_id = p.buyer group by p.buyer, p.tier, p.level, s.spend, s.earned
    ),
    kept as (
        insert into kept_answers (digest, body_hash, status, purchase_id, created_at)
        select bench_digest(place, key), sha256(uuid_send(purchase)), 201, purchase, moment from drawn
    ),
    seen as (
        insert into receipts (business_id, kind, receipt_number, transaction_id)
        select place, 'purchase', key, purchase from drawn
    ),
    bought as (
        insert into purchases (id, business_id, receipt_number, member_id, total, paid_by_points, paid_by_money,
                               points_spent, points_earned, tier, tier_after, available_after, debt_after,
                               explanation, occurred_at, recorded_at)
        select p.purchase, p.place, p.key, p.buyer, p.total, 0, p.total, 0, p.points, p.tier,
               case when p.purchase::text = s.last then s.tier_after else p.tier end,
               p.available + sum(p.points) over (partition by p.buyer order by p.purchase), 0,
               bench_explanation(p.total, p.points, p.lot, moment, expires), moment, moment
        from priced p join sums s on s.buyer = p.buyer
    ),
    held as (
        update wallets w
        set available = w.available + s.points, next_change_at = least(w.next_change_at, expires),
            tier = s.tier_after, tier_since = case when s.tier_after = s.tier then w.tier_since else moment end,
            counted_from = first_day, counted_spend = s.spend + s.total, counted_points = s.earned + s.points
        from sums s where w.member_id = s.buyer
    ),
    made as (
        insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at, amount,
                          remaining, expired, pending, open)
        select lot, buyer, 'purchase', purchase, place, moment, moment, expires, points, points, 0, false, true
        from priced
    ),
    journalled as (
        insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
        select journal, 'accrual', buyer, place, purchase, moment, moment from priced
    ),
    entered as (
        insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
        select journal, 1, 'member_available', buyer, null::uuid, lot, points from priced
        union all
        select journal, 2, 'business_issued', null, place, null, -points from priced
    ),
    progressed as (
        insert into member_days as d (member_id, day, net_spend, points_earned)
        select buyer, today, total, points from sums
        on conflict (member_id, day) do update
        set net_spend = d.net_spend + excluded.net_spend, points_earned = d.points_earned + excluded.points_earned
    ),
    visited as (
        insert into member_businesses as v (member_id, business_id, visits, first_visit_at, last_visit_at)
        select buyer, place, count(*), moment, moment from drawn group by buyer, place
        on conflict (member_id, business_id) do update
        set visits = v.visits + excluded.visits, last_visit_at = greatest(v.last_visit_at, excluded.last_visit_at)
    ),
    told as (
        insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
        select event, 'purchase.posted', buyer, place, purchase, bench_event(total, points), moment from priced
        union all
        select bench_uuid7(), 'member.tier_changed', s.buyer, p.place, p.purchase,
               jsonb_build_object('from', s.tier, 'to', s.tier_after), moment
        from sums s join priced p on p.purchase::text = s.last where s.tier_after <> s.tier
    )
    select count(*) into written from drawn;
    return written;
end
$$;
