-- What a stored audit found in the audit log, in the service's own form; null for audits made before there was one.
set lock_timeout = '2s';
set statement_timeout = '60s';
alter table audit_runs add column if not exists log jsonb;
