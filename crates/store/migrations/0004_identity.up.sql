-- Who signs in and how: integration keys, one-time codes, sessions with their refresh tokens, signing keys, cards.
-- No secret is kept as it is: keys, codes and tokens are hashed, private keys and texts are sealed.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- A key of a till or a CRM. The prefix is what people may see of it.
create table integration_keys (
    id uuid primary key,
    business_id uuid not null references businesses (id),
    location_id uuid references locations (id),
    name text not null,
    prefix text not null,
    hash bytea not null,
    scopes text[] not null,
    created_by uuid references members (id),
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    constraint integration_keys_hash_unique unique (hash),
    constraint integration_keys_scopes_known check (
        cardinality(scopes) > 0 and scopes <@ array[
            'transactions:write', 'transactions:read', 'loyalty:read', 'loyalty:write', 'coupons:write', 'imports:write'
        ]
    )
);
create index integration_keys_of_business on integration_keys (business_id, id);
create index integration_keys_of_location on integration_keys (location_id) where location_id is not null;
create index integration_keys_by_creator on integration_keys (created_by) where created_by is not null;

-- What a phone did with its codes. It survives the codes: a new code does not forgive the failures of the old.
create table code_phones (
    phone_hash bytea primary key,
    failures integer not null,
    waits_until timestamptz,
    updated_at timestamptz not null,
    constraint code_phones_failures_not_negative check (failures >= 0)
);

create table one_time_codes (
    id uuid primary key,
    phone_hash bytea not null,
    purpose text not null,
    code_hash bytea not null,
    attempts smallint not null default 0,
    live boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_codes_purpose_known check (purpose in ('sign_in', 'spend', 'change_phone')),
    constraint one_time_codes_attempts_range check (attempts between 0 and 5),
    constraint one_time_codes_used_is_not_live check (used_at is null or not live)
);
create unique index one_time_codes_one_live on one_time_codes (phone_hash, purpose) where live;
create index one_time_codes_of_phone on one_time_codes (phone_hash, created_at);
create index one_time_codes_by_time on one_time_codes (created_at);

-- Text messages of an hour, all phones together.
create table sms_budgets (
    hour timestamptz primary key,
    sent integer not null,
    constraint sms_budgets_not_negative check (sent >= 0)
);

-- A sign-in. Its refresh tokens are one family: reuse of a used one ends it.
create table sessions (
    id uuid primary key,
    member_id uuid not null references members (id),
    device text not null,
    amr text[] not null,
    auth_time timestamptz not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    ended_at timestamptz,
    end_reason text,
    constraint sessions_end_reason_known check (end_reason in ('logout', 'ended', 'reuse', 'blocked', 'erased')),
    constraint sessions_end_whole check ((ended_at is null) = (end_reason is null))
);
create index sessions_of_member on sessions (member_id, id) where ended_at is null;
create index sessions_by_time on sessions (created_at);

create table refresh_tokens (
    hash bytea primary key,
    session_id uuid not null references sessions (id),
    issued_at timestamptz not null,
    used_at timestamptz
);
create unique index refresh_tokens_one_live on refresh_tokens (session_id) where used_at is null;
create index refresh_tokens_of_session on refresh_tokens (session_id, issued_at);

-- next: published, not used yet; current: signs; retired: only verifies until it is dropped.
create table signing_keys (
    kid text primary key,
    alg text not null,
    state text not null,
    public_jwk jsonb not null,
    private_sealed bytea not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint signing_keys_alg_known check (alg in ('RS256')),
    constraint signing_keys_state_known check (state in ('next', 'current', 'retired'))
);
create unique index signing_keys_one_current on signing_keys (state) where state = 'current';
create unique index signing_keys_one_next on signing_keys (state) where state = 'next';

-- The card that a device shows. Its secret is derived from the locator; it dies with the sign-in.
create table member_cards (
    locator text primary key,
    member_id uuid not null references members (id),
    session_id uuid not null references sessions (id),
    created_at timestamptz not null,
    constraint member_cards_locator_form check (locator ~ '^[0-9]{12}$'),
    constraint member_cards_session_unique unique (session_id)
);
create index member_cards_of_member on member_cards (member_id);

-- What would have been sent, for whoever tries the product out. Empty in production.
create table development_outbox (
    id uuid primary key,
    channel text not null,
    recipient_hash bytea not null,
    recipient_masked text not null,
    text_sealed bytea not null,
    created_at timestamptz not null,
    constraint development_outbox_channel_known check (channel in ('sms'))
);
create index development_outbox_of_recipient on development_outbox (recipient_hash, id);
create index development_outbox_by_time on development_outbox (created_at);

select grant_to_app('select, insert, update', 'integration_keys');
select grant_to_app('select, insert, update, delete', 'code_phones');
select grant_to_app('select, insert, update, delete', 'one_time_codes');
select grant_to_app('select, insert, update, delete', 'sms_budgets');
select grant_to_app('select, insert, update, delete', 'sessions');
select grant_to_app('select, insert, update, delete', 'refresh_tokens');
select grant_to_app('select, insert, update, delete', 'signing_keys');
select grant_to_app('select, insert, delete', 'member_cards');
select grant_to_app('select, insert, delete', 'development_outbox');
