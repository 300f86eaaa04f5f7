-- First of three steps to tables by month: a check says where the present tables, which become the first partitions,
-- will end. It is not validated here, so that no row is read under the lock.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- The smallest identifier (UUID version 7) that can be made in a month, UTC.
create function month_bound(month date) returns uuid
language sql immutable strict parallel safe
return (lpad(to_hex((extract(epoch from date_trunc('month', month::timestamp)) * 1000)::bigint), 12, '0')
        || repeat('0', 20))::uuid;

-- The first day of the month, UTC, in which an identifier was made.
create function month_of(id uuid) returns date
language sql immutable strict parallel safe
return date_trunc('month', to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0)
                           at time zone 'UTC')::date;

-- The end of next month leaves at least four weeks for the two steps that follow, in which rows still come.
do $$
declare
    tables constant text[] := array['purchases', 'journals', 'ledger_entries', 'outbox_events'];
    keys constant text[] := array['id', 'id', 'journal_id', 'id'];
    newest uuid;
    last_month date := date_trunc('month', now() at time zone 'UTC');
begin
    for i in 1 .. cardinality(tables) loop
        execute format('select %1$I from %2$I order by %1$I desc limit 1', keys[i], tables[i]) into newest;
        last_month := greatest(last_month, month_of(newest));
    end loop;
    for i in 1 .. cardinality(tables) loop
        execute format('alter table %I add constraint %I check (%I < %L::uuid) not valid', tables[i],
                       tables[i] || '_first_ends', keys[i], month_bound((last_month + interval '2 months')::date));
    end loop;
end
$$;
