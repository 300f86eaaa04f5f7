-- The audit log: what was done, by whom, to what. Append-only; each entry is later sealed into a chain of hashes.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- before and after are json, not jsonb: the text stays as it was written, and the hash is over that text.
-- No foreign keys: an entry stays whatever becomes of what it is about.
create table if not exists audit_log (
    id uuid primary key,
    recorded_at timestamptz not null,
    action text not null,
    actor_kind text not null,
    actor_id uuid,
    session_id uuid,
    roles text[] not null,
    via text,
    request_id text,
    object_kind text not null,
    object_id text,
    business_id uuid,
    before json,
    after json,
    constraint audit_log_action_is_a_name check (action ~ '^[a-z_]+[.][a-z_]+$'),
    constraint audit_log_actor_known check (actor_kind in ('person', 'key', 'anonymous', 'command', 'system')),
    constraint audit_log_caller_has_id check ((actor_kind in ('person', 'key')) = (actor_id is not null))
);
create index if not exists audit_log_by_action on audit_log (action, id);
create index if not exists audit_log_by_actor on audit_log (actor_id, id) where actor_id is not null;
create index if not exists audit_log_by_object on audit_log (object_kind, object_id, id);
create index if not exists audit_log_by_business on audit_log (business_id, id) where business_id is not null;

-- Entries that wait for their seal: exact whatever the order of commits, and small. No foreign key, so that an entry
-- that is gone before its seal leaves a trace.
create table if not exists audit_unsealed (
    entry_id uuid primary key,
    recorded_at timestamptz not null
);

-- One row an entry, in the order in which the entries were seen. A row's hash is over the hash before it.
create table if not exists audit_chain (
    sequence bigint primary key,
    entry_id uuid not null,
    previous_hash bytea not null,
    hash bytea not null,
    sealed_at timestamptz not null,
    constraint audit_chain_entry_once unique (entry_id),
    constraint audit_chain_no_fork unique (previous_hash),
    constraint audit_chain_begins_once check (
        sequence > 0 and (sequence = 1) = (previous_hash = decode(repeat('00', 32), 'hex'))
    ),
    constraint audit_chain_hashes_are_sha256 check (length(hash) = 32 and length(previous_hash) = 32)
);

create or replace trigger audit_log_append_only before update or delete on audit_log
    for each row execute function refuse_change();
create or replace trigger audit_log_no_truncate before truncate on audit_log
    for each statement execute function refuse_change();
create or replace trigger audit_chain_append_only before update or delete on audit_chain
    for each row execute function refuse_change();
create or replace trigger audit_chain_no_truncate before truncate on audit_chain
    for each statement execute function refuse_change();

select grant_to_app('select, insert', 'audit_log');
select grant_to_app('select, insert', 'audit_chain');
select grant_to_app('select, insert, delete', 'audit_unsealed');
