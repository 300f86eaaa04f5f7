-- Second of three steps to tables by month: the rows are read, while others go on writing. Whatever check is not yet
-- validated is, for a partition may have none.
set lock_timeout = '2s';
set statement_timeout = '1h';

do $$
declare
    waiting record;
begin
    for waiting in
        select conrelid::regclass as name, conname from pg_constraint
        where not convalidated and contype = 'c'
          and conrelid = any (array['purchases', 'journals', 'ledger_entries', 'outbox_events']::regclass[])
    loop
        execute format('alter table %s validate constraint %I', waiting.name, waiting.conname);
    end loop;
end
$$;
