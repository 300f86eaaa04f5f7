-- What a person signs in with beside a code by text message: passkeys, a password with an authenticator, and codes for
-- coming back. No secret is kept as it is: what must be read again is sealed, the rest is hashed.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- The public key is a COSE_Key as the authenticator gave it; the counter never goes back.
create table passkeys (
    id uuid primary key,
    member_id uuid not null references members (id),
    credential_id bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    backup_eligible boolean not null,
    backed_up boolean not null,
    name text not null,
    created_at timestamptz not null,
    last_used_at timestamptz,
    constraint passkeys_credential_unique unique (credential_id),
    constraint passkeys_credential_length check (octet_length(credential_id) between 1 and 1023),
    constraint passkeys_sign_count_range check (sign_count between 0 and 4294967295),
    constraint passkeys_backed_up_only_if_eligible check (backup_eligible or not backed_up)
);
create index passkeys_of_member on passkeys (member_id, id);

-- What a passkey was asked to sign. It goes with its first answer.
create table passkey_challenges (
    id uuid primary key,
    purpose text not null,
    member_id uuid references members (id),
    challenge bytea not null,
    expires_at timestamptz not null,
    constraint passkey_challenges_purpose_known check (purpose in ('enrol', 'assert')),
    constraint passkey_challenges_enrol_for_somebody check ((purpose = 'enrol') = (member_id is not null)),
    constraint passkey_challenges_length check (octet_length(challenge) = 32)
);
create index passkey_challenges_by_time on passkey_challenges (expires_at);
create index passkey_challenges_of_member on passkey_challenges (member_id) where member_id is not null;

-- The hash is Argon2id in the PHC form, sealed besides.
create table passwords (
    member_id uuid primary key references members (id),
    hash_sealed bytea not null,
    changed_at timestamptz not null
);

-- An authenticator that makes codes by time. One that is being enrolled counts for nothing until its first code came.
create table authenticators (
    member_id uuid primary key references members (id),
    secret_sealed bytea,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    pending_sealed bytea,
    pending_until timestamptz,
    constraint authenticators_confirmed_whole check ((secret_sealed is null) = (confirmed_at is null)),
    constraint authenticators_pending_whole check ((pending_sealed is null) = (pending_until is null)),
    constraint authenticators_not_empty check (secret_sealed is not null or pending_sealed is not null)
);

-- One-time codes for coming back, and for the first enrolment of somebody with much power. A used one is gone.
create table recovery_codes (
    hash bytea primary key,
    member_id uuid not null references members (id),
    kind text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    constraint recovery_codes_kind_known check (kind in ('recovery', 'enrolment')),
    constraint recovery_codes_enrolment_expires check (kind <> 'enrolment' or expires_at is not null)
);
create index recovery_codes_of_member on recovery_codes (member_id, kind);

-- Tries in vain, by whom or from where; the subject is a keyed hash or an identifier.
create table sign_in_tries (
    kind text not null,
    subject bytea not null,
    failures integer not null,
    waits_until timestamptz,
    updated_at timestamptz not null,
    primary key (kind, subject),
    constraint sign_in_tries_kind_known check (kind in ('password', 'network', 'totp', 'recovery')),
    constraint sign_in_tries_failures_not_negative check (failures >= 0)
);
create index sign_in_tries_by_time on sign_in_tries (updated_at);

select grant_to_app('select, insert, update, delete', 'passkeys');
select grant_to_app('select, insert, update, delete', 'passkey_challenges');
select grant_to_app('select, insert, update, delete', 'passwords');
select grant_to_app('select, insert, update, delete', 'authenticators');
select grant_to_app('select, insert, delete', 'recovery_codes');
select grant_to_app('select, insert, update, delete', 'sign_in_tries');
