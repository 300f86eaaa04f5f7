-- The second wall: a row that belongs to one business is seen and changed only by a transaction that says it works for
-- that business (app.business), or across businesses ('*'). Forced, so that it holds for the owner of the tables too.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- Puts a table behind the wall. own: whose a row is, as text; readable: which rows anybody may read besides. The setting
-- stands in a query of its own, so that it is asked once a statement; it is compared as text, so that one which is empty
-- or nonsense hides rows and is no error.
create function set_wall(target regclass, own text default 'business_id::text', readable text default null) returns void
language plpgsql as $$
declare
    tenant constant text := '(select current_setting(''app.business'', true))';
begin
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    execute format('create policy of_business on %s using (%s = ''*'' or %s = %s) with check (%s = ''*'' or %s = %s)',
                   target, tenant, own, tenant, tenant, own, tenant);
    if readable is not null then
        execute format('create policy readable on %s for select using (%s)', target, readable);
    end if;
end
$$;

-- Takes the wall away.
create function drop_wall(target regclass) returns void
language plpgsql as $$
begin
    execute format('drop policy if exists readable on %s', target);
    execute format('drop policy of_business on %s', target);
    execute format('alter table %s no force row level security', target);
    execute format('alter table %s disable row level security', target);
end
$$;

select set_wall('staff');
select set_wall('integration_keys');
select set_wall('imports');
select set_wall('import_chunks', '(select i.business_id::text from imports i where i.id = import_id)');
select set_wall('import_verdicts', '(select i.business_id::text from imports i where i.id = import_id)');
select set_wall('import_dry_receipts', '(select i.business_id::text from imports i where i.id = import_id)');
-- The catalogue shows outlets to everybody.
select set_wall('locations', readable => 'true');
-- The rules of the coalition hold everywhere.
select set_wall('earning_rules', readable => 'business_id is null');
select set_wall('earning_rule_versions', readable => 'business_id is null');
