-- What a purchase writes costs less: fewer foreign keys are checked, fewer indexes grow, and an answer that can be made
-- again from its purchase is not kept a second time. The measurements stand in docs/decisions.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore-file ban-drop-constraint
-- Parents that the posting transaction itself has read or written; the audit looks for orphans.
alter table receipts drop constraint receipts_business_id_fkey;
alter table purchases drop constraint purchases_business_id_fkey;
alter table purchases drop constraint purchases_location_id_fkey;
alter table purchases drop constraint purchases_member_id_fkey;
alter table refunds drop constraint refunds_purchase_id_fkey;
alter table refunds drop constraint refunds_business_id_fkey;
alter table refund_lines drop constraint refund_lines_refund_id_fkey;
alter table lots drop constraint lots_funder_id_fkey;
alter table journals drop constraint journals_member_id_fkey;
alter table ledger_entries drop constraint ledger_entries_journal_id_fkey;
alter table member_businesses drop constraint member_businesses_member_id_fkey;
alter table member_businesses drop constraint member_businesses_business_id_fkey;
alter table member_days drop constraint member_days_member_id_fkey;
alter table member_rule_usage drop constraint member_rule_usage_member_id_fkey;
alter table member_rule_usage drop constraint member_rule_usage_rule_id_fkey;
alter table used_member_codes drop constraint used_member_codes_member_id_fkey;

-- What is due stands on the wallet (the next migration indexes it there), and the rest was read by nobody. A drop
-- takes its lock for a moment only and gives up after the lock timeout.
-- squawk-ignore require-concurrent-index-deletion
drop index lots_to_activate, lots_to_expire, holds_to_lapse, lots_by_origin, purchases_by_time;

-- The explanation of each purchase has held its lines all the time; a second copy could only differ from it.
-- squawk-ignore ban-drop-table
drop table purchase_lines;

-- Where an imported purchase comes from, so that an import that was broken off knows its own rows again.
alter table purchases add column import_id uuid;
alter table purchases add column import_row bigint;
alter table purchases add constraint purchases_import_whole check ((import_id is null) = (import_row is null)) not valid;

-- Sixteen bytes of SHA-256 name principal, operation and key together.
create table kept_answers (
    digest uuid primary key,
    body_hash bytea not null,
    status smallint not null,
    purchase_id uuid,
    location text,
    response bytea,
    created_at timestamptz not null,
    constraint kept_answers_one_form check ((purchase_id is null) = (response is not null))
);
-- Rows come in order of time and go in order of time: a summary of each range of pages is enough to forget them.
create index kept_answers_by_time on kept_answers using brin (created_at);
insert into kept_answers (digest, body_hash, status, location, response, created_at)
select encode(substring(sha256(uuid_send(principal_id) || convert_to(operation || chr(10) || key, 'UTF8')) for 16), 'hex')::uuid,
       body_hash, status, location, response, created_at
from idempotency_keys;
-- The program that wrote it is stopped before the schema changes, and what it kept is in the new table.
-- squawk-ignore ban-drop-table
drop table idempotency_keys;

select grant_to_app('select, insert, delete', 'kept_answers');
