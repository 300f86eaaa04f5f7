-- Codes by text message get caps that all processes share, and a brake where they are asked for and never come back.
-- Keys may sign with another algorithm and be revoked. A sign-in says where it was made. Points wait after a change of
-- the phone.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore-file ban-drop-constraint

-- How much of a limit is taken. The bucket is a keyed hash of limit and of what is counted, so that no address and no
-- phone stands here.
create table limit_counters (
    bucket bytea primary key,
    taken bigint not null,
    ends_at timestamptz not null,
    constraint limit_counters_bucket_size check (octet_length(bucket) = 32),
    constraint limit_counters_not_negative check (taken >= 0)
);
create index limit_counters_by_end on limit_counters (ends_at);

-- A prefix or a country whose codes don't come back gets no more of them until then, or until an operator lifts it.
create table code_stops (
    id uuid primary key,
    kind text not null,
    scope bytea not null,
    label_sealed bytea not null,
    sent bigint not null,
    verified bigint not null,
    holds boolean not null,
    stopped_at timestamptz not null,
    until timestamptz not null,
    lifted_at timestamptz,
    constraint code_stops_kind_known check (kind in ('prefix', 'region')),
    constraint code_stops_counts check (verified between 0 and sent),
    constraint code_stops_time_order check (until > stopped_at)
);
create index code_stops_of_scope on code_stops (scope, stopped_at);
create index code_stops_by_time on code_stops (stopped_at, id);

-- What a code is counted under: the keyed hash of its prefix, and its country. The next migrations index both.
alter table one_time_codes add column prefix_hash bytea;
alter table one_time_codes add column region_hash bytea;

-- Before this moment the points are not spent: after a change of the phone, and for ever where codes are for tests.
alter table wallets add column spending_from timestamptz;

-- The coarse place and the program of a sign-in, as far as they are told.
alter table sessions add column place text not null default '';
alter table sessions add column client text not null default '';

alter table signing_keys drop constraint signing_keys_alg_known;
alter table signing_keys add constraint signing_keys_alg_known check (alg in ('RS256', 'PS256', 'ES256')) not valid;
alter table signing_keys drop constraint signing_keys_state_known;
alter table signing_keys add constraint signing_keys_state_known
    check (state in ('next', 'current', 'retired', 'revoked')) not valid;

select grant_to_app('select, insert, update, delete', 'limit_counters');
select grant_to_app('select, insert, update', 'code_stops');
