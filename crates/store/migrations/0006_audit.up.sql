-- What the recomputation of the ledger found, run by run.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- totals and named hold what the run counted and its first differences, in the service's own form.
create table audit_runs (
    id uuid primary key,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    differences bigint not null,
    totals jsonb not null,
    named jsonb not null,
    constraint audit_runs_differences_not_negative check (differences >= 0),
    constraint audit_runs_forward check (finished_at >= started_at)
);

create trigger audit_runs_append_only before update or delete on audit_runs
    for each row execute function refuse_change();

select grant_to_app('select, insert', 'audit_runs');
