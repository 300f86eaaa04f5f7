-- The model's set-based posting, driven by two workers that never have a member in common.
create or replace function oc.bench_split(rows integer, members integer, worker integer) returns integer
language sql as $$
    select oc.post_batch(array_agg(shop * 10 + till), array_agg(member), array_agg(gen_random_uuid()),
                         array_agg(amount), array_agg('S' || gen_random_uuid()))
    from (
        select 1 + floor(200 * power(random(), 3))::integer as shop, floor(random() * 5)::integer as till,
               1 + worker + 2 * floor(members / 2 * power(random(), 3))::bigint as member,
               100 + floor(random() * 9900)::bigint as amount
        from generate_series(1, rows)
    ) drawn
$$;
