-- Files of purchases that are posted by a job: the file itself in pieces until it is done, how far it came, and what
-- was not posted, row by row.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- bytes_done, lines_done, rows_done: everything before is posted or has its verdict. only_location_id: the one place
-- for which the sender may act. layout: the delimiter and the columns of a CSV file.
create table imports (
    id uuid primary key,
    business_id uuid not null references businesses (id),
    only_location_id uuid references locations (id),
    created_by uuid references members (id),
    key_id uuid references integration_keys (id),
    format text not null,
    layout jsonb,
    dry_run boolean not null,
    file_name text,
    state text not null,
    failure_code text,
    failure_detail text,
    sha256 bytea,
    bytes_total bigint not null default 0,
    bytes_done bigint not null,
    lines_done bigint not null,
    rows_done bigint not null default 0,
    rows_posted bigint not null default 0,
    rows_duplicate bigint not null default 0,
    rows_refused bigint not null default 0,
    money_posted bigint not null default 0,
    points_earned bigint not null default 0,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz not null,
    constraint imports_format_known check (format in ('csv', 'ndjson', 'cdnow')),
    constraint imports_state_known check (state in ('receiving', 'queued', 'running', 'done', 'failed')),
    constraint imports_failed_says_why check ((state = 'failed') = (failure_code is not null)),
    constraint imports_whole_has_hash check (state in ('receiving', 'failed') or sha256 is not null),
    constraint imports_rows_add_up check (rows_done = rows_posted + rows_duplicate + rows_refused)
);
create index imports_of_business on imports (business_id, id);
create index imports_of_location on imports (only_location_id) where only_location_id is not null;
create index imports_by_creator on imports (created_by) where created_by is not null;
create index imports_of_key on imports (key_id) where key_id is not null;
create index imports_unfinished on imports (updated_at) where state in ('receiving', 'queued', 'running');
-- A file is worked on once at a time.
create unique index imports_one_unfinished on imports (business_id, sha256, format, dry_run)
where state in ('queued', 'running');

-- The file, sealed; position: the byte of the file at which the piece begins. Dropped when the import is done.
create table import_chunks (
    import_id uuid not null references imports (id),
    position bigint not null,
    sealed bytea not null,
    primary key (import_id, position),
    constraint import_chunks_position_not_negative check (position >= 0)
);
-- What is sealed does not become smaller by compression.
alter table import_chunks alter column sealed set storage external;

-- The rows that were not posted. row_number counts rows from 1, line the lines of the file.
create table import_verdicts (
    import_id uuid not null references imports (id),
    row_number bigint not null,
    line bigint not null,
    verdict text not null,
    code text not null,
    place text,
    detail text not null,
    receipt_number text,
    transaction_id uuid,
    primary key (import_id, row_number),
    constraint import_verdicts_verdict_known check (verdict in ('duplicate', 'refused'))
);

-- The receipts that a dry run would have posted so far; they see to it that one which comes twice is told. Dropped
-- when the import is done.
create table import_dry_receipts (
    import_id uuid not null references imports (id),
    receipt_number text not null,
    fingerprint bytea not null,
    primary key (import_id, receipt_number)
);

select grant_to_app('select, insert, update, delete', 'imports');
select grant_to_app('select, insert, delete', 'import_chunks');
select grant_to_app('select, insert, delete', 'import_verdicts');
select grant_to_app('select, insert, delete', 'import_dry_receipts');
