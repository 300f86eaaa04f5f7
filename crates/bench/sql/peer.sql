-- What pgbench needs on its copy of the database: members and businesses by number, and one purchase as one function.
-- ANSWER_BYTES is replaced by the size of an answer of ours.
create table bench_members (n integer primary key, id uuid not null);
create table bench_businesses (n integer primary key, id uuid not null);

-- The copy's members are found by a hash that a script can compute.
create function bench_phone(m integer) returns bytea language sql immutable as $$
    select sha256(convert_to('phone ' || m, 'UTF8'))
$$;

-- An identifier of version 7, as ours: ordered by time.
create function bench_uuid7() returns uuid language sql volatile as $$
    select encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$;

create function bench_answer() returns bytea language sql immutable as $$
    select convert_to(repeat('x', ANSWER_BYTES), 'UTF8')
$$;

create function bench_expiry(moment timestamptz) returns timestamptz language sql stable as $$
    select ((moment at time zone 'Europe/Moscow')::date + 366)::timestamp at time zone 'Europe/Moscow'
$$;

create function bench_event(total bigint, points bigint) returns jsonb language sql immutable as $$
    select jsonb_build_object('total', total, 'paid_by_points', 0, 'points_spent', 0, 'points_earned', points)
$$;

create function bench_explanation(total bigint, points bigint, lot uuid, business uuid, moment timestamptz,
                                  expires timestamptz) returns jsonb language sql stable as $$
    select jsonb_build_object(
        'lines', jsonb_build_array(jsonb_build_object(
            'line', 1, 'category', 'general', 'amount', total, 'paid_by_points', 0, 'points_spent', 0,
            'eligible', total, 'excluded', '[]'::jsonb)),
        'accruals', jsonb_build_array(jsonb_build_object(
            'line', 1, 'rule', null, 'name_ru', 'Базовое начисление', 'name_en', 'Base rate', 'asked', points,
            'granted', points, 'clamped_by', '[]'::jsonb, 'lot_id', lot)),
        'lots', jsonb_build_array(jsonb_build_object(
            'lot_id', lot, 'origin', 'purchase', 'points', points, 'activates_at', moment, 'expires_at', expires,
            'funder', jsonb_build_object('kind', 'business', 'business_id', business))),
        'spent', '[]'::jsonb)
$$;

-- What a program knows before it speaks to the database: who, where, when, and fresh identifiers.
create function bench_client(b integer, m integer)
returns table (business uuid, till uuid, member uuid, phone_hash bytea, purchase uuid, lot uuid, journal uuid,
               event uuid, key text, moment timestamptz, today date, first_day date, expires timestamptz)
language sql volatile as $$
    select s.id, s.id, p.id, bench_phone(m), bench_uuid7(), bench_uuid7(), bench_uuid7(), bench_uuid7(),
           bench_uuid7()::text, t.moment, (t.moment at time zone 'Europe/Moscow')::date,
           (t.moment at time zone 'Europe/Moscow')::date - 364, bench_expiry(t.moment)
    from bench_businesses s, bench_members p, (select clock_timestamp() as moment) t
    where s.n = b and p.n = m
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
    insert into idempotency_keys (principal_id, operation, key, body_hash, status, location, response, created_at)
    values (shop.id, 'transactions.post', key, bench_phone(m), 201, '/api/v1/transactions/' || purchase,
            bench_answer(), moment);
    insert into receipts values (shop.id, 'purchase', key, purchase);
    select t.multiplier_bp, t.level into strict multiplier, level_now from tiers t where t.code = wallet.tier;
    select coalesce(sum(d.net_spend), 0) + total into measure
    from member_days d where d.member_id = buyer_id and d.day between today - 364 and today;
    select coalesce((select t.code from tiers t where t.threshold <= measure and t.level > level_now
                     order by t.level desc limit 1), wallet.tier) into tier_after;
    points := total * shop.base_rate_bp * multiplier / 100000000;
    insert into purchases (id, business_id, receipt_number, member_id, total, paid_by_points, paid_by_money,
                           points_spent, points_earned, tier, tier_after, available_after, debt_after, explanation,
                           occurred_at, recorded_at)
    values (purchase, shop.id, key, buyer_id, total, 0, total, 0, points, wallet.tier, tier_after,
            wallet.available + points, 0, bench_explanation(total, points, lot, shop.id, moment, expires), moment,
            moment);
    insert into purchase_lines values (purchase, 1, 'general', total, 0, 0, points);
    update wallets w
    set available = w.available + points, next_change_at = least(w.next_change_at, expires), tier = tier_after,
        tier_since = case when tier_after = wallet.tier then w.tier_since else moment end
    where w.member_id = buyer_id;
    insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at, amount,
                      remaining, expired, pending, open)
    values (lot, buyer_id, 'purchase', purchase, shop.id, moment, moment, expires, points, points, 0, false, true);
    insert into journals values (journal, 'accrual', buyer_id, shop.id, purchase, moment, moment);
    insert into ledger_entries values (journal, 1, 'member_available', buyer_id, null, lot, points),
                                      (journal, 2, 'business_issued', null, shop.id, null, -points);
    insert into member_days as d values (buyer_id, today, total, points)
    on conflict (member_id, day) do update
    set net_spend = d.net_spend + excluded.net_spend, points_earned = d.points_earned + excluded.points_earned;
    insert into member_businesses as v values (buyer_id, shop.id, 1, moment, moment)
    on conflict (member_id, business_id) do update
    set visits = v.visits + 1, first_visit_at = least(v.first_visit_at, excluded.first_visit_at),
        last_visit_at = greatest(v.last_visit_at, excluded.last_visit_at);
    insert into outbox_events values (bench_uuid7(), 'purchase.posted', buyer_id, shop.id, purchase,
                                      bench_event(total, points), moment);
    if tier_after <> wallet.tier then
        insert into outbox_events values (bench_uuid7(), 'member.tier_changed', buyer_id, shop.id, purchase,
                                          jsonb_build_object('from', wallet.tier, 'to', tier_after), moment);
    end if;
    return points;
end
$$;
