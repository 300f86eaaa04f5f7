-- The largest partition becomes the plain table and takes the rows of the others in, which may take its time. Months
-- that were detached stay apart.
set lock_timeout = '2s';
set statement_timeout = '1h';

create function pg_temp.to_one_table(parent text) returns void
language plpgsql as $$
declare
    key constant text := month_key(parent);
    base text;
    after text[];
    newest uuid;
    statement text;
begin
    execute format('lock table %I in access exclusive mode', parent);
    select relname into base from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = parent::regclass order by pg_relation_size(inhrelid) desc, relname limit 1;
    after := array(select format('alter index %s rename to %I', child.indexrelid::regclass, top.relname)
                   from pg_index child join pg_inherits on inhrelid = child.indexrelid join pg_class top on top.oid = inhparent
                   where child.indrelid = base::regclass)
          || array(select pg_get_triggerdef(oid) from pg_trigger
                   where tgrelid = parent::regclass and not tgisinternal and tgtype & 1 = 1)
          || array(select format('grant %s on %I to %I', privilege_type, parent, rolname)
                   from pg_class, aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
                   where pg_class.oid = parent::regclass and grantee <> relowner);
    execute format('alter table %I detach partition %I', parent, base);
    execute format('insert into %I select * from %I', base, parent);
    execute format('drop table %I', parent);
    execute format('alter table %I rename to %I', base, parent);
    foreach statement in array after loop
        execute statement;
    end loop;
    if to_regclass(base || '_hold_once') is not null then
        execute format('alter index %I rename to %I', base || '_hold_once', parent || '_hold_once');
    end if;
    execute format('select %1$I from %2$I order by %1$I desc limit 1', key, parent) into newest;
    execute format('alter table %I add constraint %I check (%I < %L::uuid)', parent, parent || '_first_ends', key,
                   month_bound((greatest(month_of(newest), date_trunc('month', now() at time zone 'UTC'))
                                + interval '2 months')::date));
end
$$;

select pg_temp.to_one_table(name)
from unnest(array['purchases', 'journals', 'ledger_entries', 'outbox_events']) as name;

do $$
begin
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        grant delete on outbox_events to owncircle_app;
    end if;
end
$$;

drop function analyze_months(text);
drop function future_rows(text);
drop function drop_event_months(uuid);
drop function detach_months(text, uuid);
drop function make_months(text, date, integer);
drop function attach_month_table(text, text, uuid, uuid);
drop function lock_months(text);
drop function month_table_name(text, date, date);
drop function new_month_table(text, text);
drop function rename_with_indexes(text, text);
drop function partition_bounds(regclass);
drop function month_key(text);
