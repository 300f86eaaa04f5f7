-- What the till's search by the end of a phone, export, erasure and the change of data keys need.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- The keyed hash of the last four digits of the member's phone, for this business alone; filled by a job behind the
-- posting. null: to be made; empty: the member has no phone.
alter table member_businesses add column tail_hash bytea;

-- The hash of the phone under the data key with the even identity; phone_hash is that of the odd one. While keys change,
-- both are kept, so that processes with either key find the same member.
alter table members add column phone_hash_2 bytea;

-- All that is stored on a member, made for him by a job; kept sealed and for a day.
create table exports (
    id uuid primary key,
    member_id uuid not null references members (id),
    requested_at timestamptz not null,
    finished_at timestamptz,
    expires_at timestamptz not null,
    sealed bytea,
    constraint exports_one_a_member unique (member_id),
    constraint exports_finished_has_content check ((finished_at is null) = (sealed is null)),
    constraint exports_forward check (expires_at > requested_at)
);
create index exports_by_expiry on exports (expires_at);

-- That a person was erased, without the person. phone_hash finds what is to be removed and is emptied with it; removed
-- tells how many rows of each kind were.
create table erasures (
    id uuid primary key,
    member_id uuid not null references members (id),
    state text not null,
    phone_hash bytea,
    points_lost bigint not null,
    requested_at timestamptz not null,
    finished_at timestamptz,
    removed jsonb,
    constraint erasures_one_a_member unique (member_id),
    constraint erasures_state_known check (state in ('requested', 'done')),
    constraint erasures_done_is_whole check (
        (state = 'done') = (finished_at is not null) and (state = 'done') = (removed is not null)
    ),
    constraint erasures_done_has_no_hash check (state <> 'done' or phone_hash is null),
    constraint erasures_points_not_negative check (points_lost >= 0)
);
create index erasures_unfinished on erasures (requested_at) where state <> 'done';

select grant_to_app('select, insert, update, delete', 'exports');
select grant_to_app('select, insert, update', 'erasures');
