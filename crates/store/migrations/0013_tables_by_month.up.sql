-- Last of three steps to tables by month, by the time in their identifiers: the present tables become the first
-- partitions, without a row being read, and what comes after the last month has a partition too, so that no row is
-- ever refused. What makes and drops months stands here as functions, for the program may not change tables.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- The column that tells the month of a row; an error for a table that is not by month.
create function month_key(parent text) returns text
language plpgsql immutable as $$
declare
    key text := case parent
        when 'purchases' then 'id' when 'journals' then 'id'
        when 'ledger_entries' then 'journal_id' when 'outbox_events' then 'id'
    end;
begin
    if key is null then
        raise exception '% is not a table by month', parent using errcode = 'undefined_table';
    end if;
    return key;
end
$$;

-- The identifiers of a partition: from the lower one on, below the upper one; null: without end.
create function partition_bounds(part regclass, out lower_id uuid, out upper_id uuid)
language sql stable as $$
    select substring(bound from 'FROM \(''([0-9a-f-]{36})''\)')::uuid,
           substring(bound from 'TO \(''([0-9a-f-]{36})''\)')::uuid
    from (select pg_get_expr(relpartbound, oid) as bound from pg_class where oid = part) c
$$;

-- Renames a table and the indexes that are called after it.
create function rename_with_indexes(old_name text, new_name text) returns void
language plpgsql as $$
declare
    name text;
begin
    execute format('alter table %I rename to %I', old_name, new_name);
    for name in
        select relname from pg_index join pg_class on pg_class.oid = indexrelid
        where indrelid = new_name::regclass and starts_with(relname::text, old_name)
    loop
        execute format('alter index %I rename to %I', name, new_name || substr(name, length(old_name) + 1));
    end loop;
end
$$;

-- A table of its own that can become a partition: what attaching does not bring is made here.
create function new_month_table(parent text, name text) returns void
language plpgsql as $$
begin
    execute format('create table %I (like %I including all)', name, parent);
    if exists (select from pg_trigger where tgrelid = parent::regclass and tgname = parent || '_no_truncate') then
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                       parent || '_no_truncate', name);
    end if;
    -- A hold pays one purchase: over all months that is seen to by its row in holds.
    if parent = 'purchases' then
        execute format('create unique index %I on %I (hold_id) where hold_id is not null', name || '_hold_once', name);
    end if;
end
$$;

-- The name of a partition of the months from the first to before the last.
create function month_table_name(parent text, from_month date, until_month date) returns text
language sql immutable strict
return parent || to_char(from_month, '_YYYY_MM')
       || case when until_month > from_month + interval '1 month'
               then to_char(until_month - interval '1 month', '_to_YYYY_MM') else '' end;

-- Waits until nobody is at work on a table, and keeps others out of it. What its foreign keys refer to comes first, for
-- attaching and detaching lock that too.
create function lock_months(parent text) returns void
language plpgsql as $$
declare
    referred regclass;
begin
    for referred in
        select distinct confrelid from pg_constraint where conrelid = parent::regclass and contype = 'f' order by 1
    loop
        execute format('lock table only %s in share row exclusive mode', referred);
    end loop;
    execute format('lock table only %I in access exclusive mode', parent);
end
$$;

create function attach_month_table(parent text, name text, lower_id uuid, upper_id uuid) returns void
language plpgsql as $$
begin
    execute format('alter table %I attach partition %I for values from (%s) to (%s)', parent, name,
                   coalesce(quote_literal(lower_id), 'minvalue'), coalesce(quote_literal(upper_id), 'maxvalue'));
end
$$;

-- Makes the partitions up to so many months after this one, and says which. The partition of the future becomes the
-- first of them, whatever it holds, and a new future follows the last.
create function make_months(parent text, this_month date, ahead integer) returns setof text
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '400ms' as $$
declare
    key constant text := month_key(parent);
    future constant text := parent || '_future';
    last_month constant date := date_trunc('month', this_month::timestamp) + make_interval(months => ahead);
    start date;
    ends date;
    month date;
    name text;
begin
    if ahead is null or ahead not between 0 and 24 then
        raise exception 'partitions are made for 0 to 24 months ahead, not %', ahead
            using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(7120115, 2);
    start := month_of((partition_bounds(future::regclass)).lower_id);
    if start > last_month or last_month is null then
        return;
    end if;
    ends := greatest(start, date_trunc('month', this_month::timestamp)) + interval '1 month';
    name := month_table_name(parent, start, ends);
    perform new_month_table(parent, parent || '_new');
    for month in select generate_series(ends, last_month, interval '1 month') loop
        perform new_month_table(parent, month_table_name(parent, month, (month + interval '1 month')::date));
    end loop;

    -- From here on nobody reads or writes; the only rows that are touched are those of a clock that ran ahead.
    perform lock_months(parent);
    execute format('alter table %I detach partition %I', parent, future);
    perform rename_with_indexes(future, name);
    perform rename_with_indexes(parent || '_new', future);
    for month in select generate_series(ends, last_month, interval '1 month') loop
        perform attach_month_table(parent, month_table_name(parent, month, (month + interval '1 month')::date),
                                   month_bound(month), month_bound((month + interval '1 month')::date));
    end loop;
    perform attach_month_table(parent, future, month_bound(greatest(ends, (last_month + interval '1 month')::date)), null);
    execute format('with gone as (delete from %I where %I >= $1 returning *) insert into %I select * from gone',
                   name, key, parent) using month_bound(ends);
    perform attach_month_table(parent, name, month_bound(start), month_bound(ends));
    return next name;
    return query
        select month_table_name(parent, m::date, (m + interval '1 month')::date)
        from generate_series(ends, last_month, interval '1 month') m;
end
$$;

-- Takes the partitions that end at this identifier or before out of the table, and says their names. Their place is
-- taken by one empty partition without beginning.
create function detach_months(parent text, before uuid) returns setof text
language plpgsql set search_path = public, pg_temp set lock_timeout = '400ms' as $$
declare
    first constant text := parent || '_first';
    first_ends uuid;
    gone text[];
    ends uuid;
    filled boolean;
    name text;
begin
    perform month_key(parent);
    perform pg_advisory_xact_lock(7120115, 2);
    select array_agg(relname::text order by upper_id), (array_agg(upper_id order by upper_id desc))[1] into gone, ends
    from pg_inherits join pg_class on pg_class.oid = inhrelid, partition_bounds(inhrelid)
    where inhparent = parent::regclass and upper_id <= before;
    first_ends := (partition_bounds(first::regclass)).upper_id;
    execute format('select exists (select from %I)', first) into filled;
    if gone is null or (cardinality(gone) = 1 and not filled) then
        return;
    end if;
    perform new_month_table(parent, parent || '_new');

    perform lock_months(parent);
    execute format('select exists (select from %I)', first) into filled;
    foreach name in array gone loop
        execute format('alter table %I detach partition %I', parent, name);
        if name <> first then
            return next name;
        elsif filled then
            name := parent || to_char(month_of(first_ends), '_before_YYYY_MM');
            perform rename_with_indexes(first, name);
            return next name;
        else
            execute format('drop table %I', first);
        end if;
    end loop;
    perform rename_with_indexes(parent || '_new', first);
    perform attach_month_table(parent, first, null, ends);
end
$$;

-- Drops the months of events that end at this identifier or before, and says their names.
create function drop_event_months(before uuid) returns setof text
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '400ms' as $$
declare
    name text;
begin
    for name in select detach_months('outbox_events', before) loop
        execute format('drop table %I', name);
        return next name;
    end loop;
end
$$;

-- How many rows wait in the partition of the future for months that are not made.
create function future_rows(parent text) returns bigint
language plpgsql stable as $$
declare
    found bigint;
begin
    execute format('select count(*) from %I where %I >= $1', parent, month_key(parent)) into found
    using (partition_bounds((parent || '_future')::regclass)).lower_id;
    return found;
end
$$;

-- Tells the planner about a table as a whole, which no autovacuum does.
create function analyze_months(parent text) returns void
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '400ms' as $$
begin
    perform month_key(parent);
    execute format('analyze %I', parent);
end
$$;

-- Turns a plain table into one by month.
create function pg_temp.to_months(parent text) returns void
language plpgsql as $$
declare
    key constant text := month_key(parent);
    first constant text := parent || '_first';
    bound uuid;
    after text[];
    statement text;
begin
    select substring(pg_get_constraintdef(oid) from '''([0-9a-f-]{36})''')::uuid into strict bound
    from pg_constraint where conrelid = parent::regclass and conname = first || '_ends' and convalidated;
    -- What the parent will have, told while its name still belongs to the plain table.
    after := array(select format('alter table %I add constraint %I %s', parent, conname, pg_get_constraintdef(oid))
                   from pg_constraint where conrelid = parent::regclass and contype in ('p', 'f'))
          || array(select pg_get_indexdef(indexrelid) from pg_index where indrelid = parent::regclass and not indisunique)
          || array(select pg_get_triggerdef(oid) from pg_trigger where tgrelid = parent::regclass and not tgisinternal)
          || array(select format('grant %s on %I to %I', privilege_type, parent, rolname)
                   from pg_class, aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
                   where pg_class.oid = parent::regclass and grantee <> relowner);
    perform rename_with_indexes(parent, first);
    for statement in
        select format('drop trigger %I on %I', tgname, first) from pg_trigger
        where tgrelid = first::regclass and not tgisinternal and tgtype & 1 = 1
        union all
        select format('revoke all on %I from %I', first, rolname)
        from pg_class, aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
        where pg_class.oid = first::regclass and grantee <> relowner
    loop
        execute statement;
    end loop;
    execute format('create table %I (like %I including all excluding indexes) partition by range (%I)', parent, first, key);
    execute format('alter table %I drop constraint %I', parent, first || '_ends');
    foreach statement in array after loop
        execute statement;
    end loop;
    perform attach_month_table(parent, first, null, bound);
    execute format('alter table %I drop constraint %I', first, first || '_ends');
    perform new_month_table(parent, parent || '_future');
    perform attach_month_table(parent, parent || '_future', bound, null);
end
$$;

select pg_temp.to_months(name)
from unnest(array['purchases', 'journals', 'ledger_entries', 'outbox_events']) as name;

-- Events are forgotten a month at a time and no longer row by row.
do $$
begin
    revoke all on function make_months(text, date, integer), detach_months(text, uuid), drop_event_months(uuid),
        analyze_months(text) from public;
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        revoke delete on outbox_events from owncircle_app;
        grant execute on function make_months(text, date, integer), drop_event_months(uuid), analyze_months(text)
            to owncircle_app;
    end if;
end
$$;
