-- Members and businesses by number, for whoever draws them in SQL.
create table bench_members (n integer primary key, id uuid not null);
create table bench_businesses (n integer primary key, id uuid not null);

-- How our own purchases are explained: one line, the base rate, one lot.
create function bench_explanation(total bigint, points bigint, lot uuid, moment timestamptz,
                                  expires timestamptz) returns jsonb
language sql stable
return jsonb_build_object(
    'lines', jsonb_build_array(jsonb_build_object(
        'line', 1, 'amount', total, 'eligible', total)),
    'accruals', jsonb_build_array(jsonb_build_object('line', 1, 'asked', points, 'granted', points, 'lot_id', lot)),
    'lots', jsonb_build_array(jsonb_build_object(
        'lot_id', lot, 'points', points, 'activates_at', moment, 'expires_at', expires)));

create function bench_event(total bigint, points bigint) returns jsonb
language sql immutable
return jsonb_build_object('total', total, 'paid_by_points', 0, 'points_spent', 0, 'points_earned', points);

-- The end of the day a year later, in the programme's zone.
create function bench_expiry(moment timestamptz) returns timestamptz
language sql stable
return ((moment at time zone 'Europe/Moscow')::date + 366)::timestamp at time zone 'Europe/Moscow';
