-- What a member says of himself and decides: e-mail, consents, preferences, devices, invitations. Personal data is
-- sealed; what must be found again stands beside it as a keyed hash.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- Not verified until a message to it was answered.
create table member_emails (
    member_id uuid primary key references members (id),
    email_sealed bytea not null,
    email_hash bytea not null,
    verified_at timestamptz,
    updated_at timestamptz not null
);
create index member_emails_by_hash on member_emails (email_hash);

-- What people agree to, word for word. A new wording is a new version; the newest that has begun is in force.
create table consent_texts (
    kind text not null,
    version integer not null,
    title_ru text not null,
    title_en text not null,
    body_ru text not null,
    body_en text not null,
    sha256 bytea not null,
    effective_from timestamptz not null,
    primary key (kind, version),
    constraint consent_texts_kind_known check (
        kind in ('terms', 'personal_data', 'marketing_push', 'marketing_sms', 'marketing_email')
    ),
    constraint consent_texts_version_positive check (version > 0),
    constraint consent_texts_hash_is_of_the_text check (
        sha256 = sha256(convert_to(body_ru || chr(10) || body_en, 'UTF8'))
    )
);
create trigger consent_texts_append_only before update or delete on consent_texts
    for each row execute function refuse_change();
create trigger consent_texts_no_truncate before truncate on consent_texts
    for each statement execute function refuse_change();

insert into consent_texts (kind, version, title_ru, title_en, body_ru, body_en, sha256, effective_from)
select kind, 1, title_ru, title_en, body_ru, body_en,
       sha256(convert_to(body_ru || chr(10) || body_en, 'UTF8')), timestamptz '2026-01-01 00:00:00+00'
from (values
    ('terms', 'Правила программы', 'Terms of the programme',
     'Я принимаю правила программы лояльности: как баллы начисляются, списываются и сгорают.',
     'I accept the terms of the loyalty programme: how points are earned, spent and expire.'),
    ('personal_data', 'Согласие на обработку персональных данных', 'Consent to the processing of personal data',
     'Я даю согласие на обработку телефона, имени, даты рождения, адреса почты и истории покупок для участия в программе. Согласие можно отозвать в любой момент, удалив профиль.',
     'I consent to the processing of my phone, name, birthday, e-mail address and history of purchases for taking part in the programme. I can withdraw it at any time by erasing my profile.'),
    ('marketing_push', 'Реклама в push-сообщениях', 'Advertising by push message',
     'Я согласен получать предложения партнёров в push-сообщениях.', 'I agree to receive offers of the partners by push message.'),
    ('marketing_sms', 'Реклама в SMS', 'Advertising by text message',
     'Я согласен получать предложения партнёров в SMS.', 'I agree to receive offers of the partners by text message.'),
    ('marketing_email', 'Реклама по почте', 'Advertising by e-mail',
     'Я согласен получать предложения партнёров по электронной почте.', 'I agree to receive offers of the partners by e-mail.')
) as texts (kind, title_ru, title_en, body_ru, body_en);

-- Who agreed to what or withdrew, when and where from. Rows are added only; the newest of a kind holds. An erasure
-- empties address_hash and leaves the rest as the proof.
create table consents (
    id uuid primary key,
    member_id uuid not null references members (id),
    kind text not null,
    version integer not null,
    text_sha256 bytea not null,
    given boolean not null,
    channel text not null,
    address_hash bytea,
    recorded_at timestamptz not null,
    constraint consents_of_a_text foreign key (kind, version) references consent_texts (kind, version),
    constraint consents_channel_known check (channel in ('sign_in', 'app', 'web'))
);
create index consents_of_member on consents (member_id, kind, id);
create index consents_of_text on consents (kind, version);

-- choices: domain::preferences::Preferences.
create table notification_preferences (
    member_id uuid primary key references members (id),
    version bigint not null default 1,
    choices jsonb not null,
    updated_at timestamptz not null
);

-- Where push messages go. A device belongs to the sign-in that named it and goes with it.
create table devices (
    id uuid primary key,
    member_id uuid not null references members (id),
    session_id uuid not null references sessions (id) on delete cascade,
    provider text not null,
    token_hash bytea not null,
    token_sealed bytea not null,
    locale text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint devices_provider_known check (provider in ('fcm', 'apns', 'web_push')),
    constraint devices_locale_known check (locale in ('ru', 'en')),
    constraint devices_token_unique unique (token_hash)
);
create index devices_of_member on devices (member_id, id);
create index devices_of_session on devices (session_id);

-- The code by which a member brings others, made when it is asked for first.
create table invitation_codes (
    member_id uuid primary key references members (id),
    code text not null,
    created_at timestamptz not null,
    constraint invitation_codes_unique unique (code),
    constraint invitation_codes_form check (code ~ '^[0-9A-HJKMNP-TV-Z]{9}$')
);

-- Who was brought by whom; once, at the first sign-in.
create table referrals (
    member_id uuid primary key references members (id),
    referrer_id uuid not null references members (id),
    created_at timestamptz not null,
    constraint referrals_of_another check (member_id <> referrer_id)
);
create index referrals_of_referrer on referrals (referrer_id, created_at);

do $$
begin
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        grant update (address_hash) on consents to owncircle_app;
    end if;
end
$$;
select grant_to_app('select, insert, update, delete', 'member_emails');
select grant_to_app('select, insert', 'consent_texts');
select grant_to_app('select, insert', 'consents');
select grant_to_app('select, insert, update, delete', 'notification_preferences');
select grant_to_app('select, insert, update, delete', 'devices');
select grant_to_app('select, insert, delete', 'invitation_codes');
select grant_to_app('select, insert, delete', 'referrals');
