set lock_timeout = '2s';
set statement_timeout = '60s';

alter table purchases drop constraint if exists purchases_first_ends;
alter table journals drop constraint if exists journals_first_ends;
alter table ledger_entries drop constraint if exists ledger_entries_first_ends;
alter table outbox_events drop constraint if exists outbox_events_first_ends;
drop function month_of(uuid);
drop function month_bound(date);
