set lock_timeout = '2s';
set statement_timeout = '60s';
alter table audit_runs drop column if exists log;
