-- A long past: purchases of eleven months, laid in by sets, that the audit finds as if they had been posted. Answers and
-- events are there for as long as they are kept, thirty and fourteen days.

-- The tables by month have a partition for each of those months.
create function bench_make_months(first_month date) returns void language plpgsql as $$
declare
    parent text;
    month date;
    next_month date;
    ends uuid;
begin
    foreach parent in array array['purchases', 'journals', 'ledger_entries', 'outbox_events'] loop
        ends := (partition_bounds((parent || '_first')::regclass)).upper_id;
        execute format('alter table %I detach partition %I', parent, parent || '_first');
        perform rename_with_indexes(parent || '_first', parent || '_before');
        perform new_month_table(parent, parent || '_first');
        perform attach_month_table(parent, parent || '_first', null, month_bound(first_month));
        month := first_month;
        while month_bound(month) < ends loop
            next_month := (month + interval '1 month')::date;
            perform new_month_table(parent, month_table_name(parent, month, next_month));
            perform attach_month_table(parent, month_table_name(parent, month, next_month),
                                       month_bound(month), month_bound(next_month));
            month := next_month;
        end loop;
        execute format('insert into %1$I select * from %2$I', parent, parent || '_before');
        execute format('drop table %I', parent || '_before');
    end loop;
end
$$;

-- The number in [0, 1) that eight hexadecimal digits stand for.
create function bench_unit(digits text) returns double precision language sql immutable
return ('x' || digits)::bit(32)::bigint / 4294967296.0::double precision;

-- An identifier of version 7 of that moment; `kind` tells those apart that belong to one purchase.
create function bench_id(millis bigint, kind text, drawn text) returns uuid language sql immutable
return (lpad(to_hex(millis), 12, '0') || '7' || kind || substr(drawn, 1, 2) || 'a' || substr(drawn, 3, 15))::uuid;

-- Lays in the purchases of these numbers, out of `count` that are spread evenly from `starts` to `ends`. A few members
-- and businesses have much of them, by the square and the cube of what is drawn.
create function bench_fill(from_number bigint, until_number bigint, count bigint, starts timestamptz, ends timestamptz,
                           members integer, shops integer) returns void language plpgsql as $$
begin
    with drawn as (
        select g, md5(g::text) as h,
               (extract(epoch from starts) * 1000)::bigint
               + (g * (extract(epoch from ends - starts) * 1000 / count)::numeric)::bigint as millis
        from generate_series(from_number, until_number - 1) g
    ),
    sold as materialized (
        select bench_id(d.millis, '0', d.h) as purchase, bench_id(d.millis, '1', d.h) as lot,
               bench_id(d.millis, '2', d.h) as journal, bench_id(d.millis, '3', d.h) as event,
               p.id as buyer, s.id as place, 'G' || d.g as receipt, t.total, t.total * b.base_rate_bp / 10000 as points,
               to_timestamp(d.millis / 1000.0) as moment, bench_expiry(to_timestamp(d.millis / 1000.0)) as expires
        from drawn d
        join bench_members p on p.n = 1 + floor(members * power(bench_unit(substr(d.h, 1, 8)), 2))::integer
        join bench_businesses s on s.n = 1 + floor(shops * power(bench_unit(substr(d.h, 9, 8)), 3))::integer
        join businesses b on b.id = s.id
        cross join lateral (select 10000 + floor(490001 * bench_unit(substr(d.h, 17, 8)))::bigint as total) t
    ),
    kept as (
        insert into kept_answers (digest, body_hash, status, purchase_id, created_at)
        select md5(receipt)::uuid, sha256(uuid_send(purchase)), 201, purchase, moment
        from sold where moment > clock_timestamp() - interval '30 days'
    ),
    seen as (
        insert into receipts (business_id, kind, receipt_number, transaction_id)
        select place, 'purchase', receipt, purchase from sold
    ),
    bought as (
        insert into purchases (id, business_id, receipt_number, member_id, total, paid_by_points, paid_by_money,
                               points_spent, points_earned, tier, tier_after, available_after, debt_after,
                               explanation, occurred_at, recorded_at)
        select purchase, place, receipt, buyer, total, 0, total, 0, points, lowest.code, lowest.code, points, 0,
               bench_explanation(total, points, lot, moment, expires), moment, moment
        from sold, (select code from tiers order by level limit 1) lowest
    ),
    made as (
        insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at, amount,
                          remaining, expired, pending, open)
        select lot, buyer, 'purchase', purchase, place, moment, moment, expires, points, points, 0, false, true
        from sold
    ),
    journalled as (
        insert into journals (id, kind, member_id, business_id, source_id, occurred_at, recorded_at)
        select journal, 'accrual', buyer, place, purchase, moment, moment from sold
    ),
    entered as (
        insert into ledger_entries (journal_id, n, account, member_id, business_id, lot_id, amount)
        select journal, 1, 'member_available', buyer, null::uuid, lot, points from sold
        union all
        select journal, 2, 'business_issued', null, place, null, -points from sold
    )
    insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
    select event, 'purchase.posted', buyer, place, purchase, bench_event(total, points), moment
    from sold where moment > clock_timestamp() - interval '14 days';
end
$$;

-- Brings wallets, days and visits up to what was laid in.
create function bench_finish() returns void language plpgsql as $$
declare
    zone text := (select settings ->> 'time_zone' from programme);
begin
    insert into member_days as d (member_id, day, net_spend, points_earned)
    select member_id, (occurred_at at time zone zone)::date, sum(paid_by_money), sum(points_earned)
    from purchases where starts_with(receipt_number, 'G') group by 1, 2
    on conflict (member_id, day) do update
    set net_spend = d.net_spend + excluded.net_spend, points_earned = d.points_earned + excluded.points_earned;
    -- Hashes of phones are of the right size and of nothing: nobody is looked for by them, and the job that makes them
    -- has nothing to do beside the loads.
    insert into member_businesses as v (member_id, business_id, visits, first_visit_at, last_visit_at, tail_hash)
    select member_id, business_id, count(*), min(occurred_at), max(occurred_at),
           '\x01'::bytea || sha256(uuid_send(member_id) || uuid_send(business_id))
    from purchases where starts_with(receipt_number, 'G') group by 1, 2
    on conflict (member_id, business_id) do update
    set visits = v.visits + excluded.visits, first_visit_at = least(v.first_visit_at, excluded.first_visit_at),
        last_visit_at = greatest(v.last_visit_at, excluded.last_visit_at);
    update wallets w
    set available = l.remaining, next_change_at = l.expires_at, tier = t.code, tier_since = clock_timestamp(),
        counted_from = d.last_day - 364, counted_spend = d.spend, counted_points = d.points
    from (select member_id, sum(remaining) as remaining, min(expires_at) as expires_at
          from lots where open and not pending group by member_id) l
    join (select member_id, sum(net_spend) as spend, sum(points_earned) as points, max(day) as last_day
          from member_days group by member_id) d using (member_id)
    cross join lateral (select code from tiers where threshold <= d.spend order by level desc limit 1) t
    where w.member_id = l.member_id;
end
$$;
