-- The programme, its members and its partners.
-- Every table that the program may change is granted to owncircle_app in the migration that makes it;
-- append-only tables are granted SELECT and INSERT alone.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- The role under which the program works. Where the connecting account may not make roles, the program works as
-- that account and the triggers of refusal remain as the only wall.
do $$
begin
    if not exists (select from pg_roles where rolname = 'owncircle_app') then
        create role owncircle_app nologin;
    end if;
    execute format('grant owncircle_app to %I', current_user);
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        raise notice 'role owncircle_app is left as it is: %', sqlerrm;
end
$$;

-- Grants rights to owncircle_app where it exists.
create function grant_to_app(privileges text, target regclass) returns void
language plpgsql as $$
begin
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        execute format('grant %s on %s to owncircle_app', privileges, target);
    end if;
end
$$;

-- Refuses to change what is written once.
create function refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
end
$$;

do $$
begin
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        grant usage on schema public to owncircle_app;
    end if;
end
$$;

create table programme (
    singleton boolean primary key default true,
    version bigint not null,
    settings jsonb not null,
    master_key_check bytea,
    updated_at timestamptz not null,
    constraint programme_is_one check (singleton)
);

create table tiers (
    code text primary key,
    level smallint not null,
    name_ru text not null,
    name_en text not null,
    threshold bigint not null,
    multiplier_bp integer not null,
    validity jsonb,
    constraint tiers_level_unique unique (level),
    constraint tiers_code_form check (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    constraint tiers_threshold_not_negative check (threshold >= 0),
    constraint tiers_multiplier_range check (multiplier_bp between 0 and 1000000)
);

create table members (
    id uuid primary key,
    number text not null,
    status text not null,
    phone_hash bytea,
    phone_sealed bytea,
    name_sealed bytea,
    birthday_sealed bytea,
    locale text not null default 'ru',
    version bigint not null default 1,
    joined_at timestamptz,
    created_at timestamptz not null,
    constraint members_number_unique unique (number),
    constraint members_phone_unique unique (phone_hash),
    constraint members_status_known check (status in ('waiting', 'active', 'blocked', 'erased')),
    constraint members_locale_known check (locale in ('ru', 'en'))
);

create table businesses (
    id uuid primary key,
    slug text not null,
    name text not null,
    category text not null,
    description_ru text not null default '',
    description_en text not null default '',
    status text not null,
    base_rate_bp integer not null,
    share_cap_bp integer,
    spend_without_code_up_to bigint not null default 0,
    version bigint not null default 1,
    created_at timestamptz not null,
    constraint businesses_slug_unique unique (slug),
    constraint businesses_slug_form check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    constraint businesses_status_known check (status in ('draft', 'active', 'suspended')),
    constraint businesses_base_rate_range check (base_rate_bp between 0 and 10000),
    constraint businesses_share_cap_range check (share_cap_bp between 0 and 10000),
    constraint businesses_spend_without_code_not_negative check (spend_without_code_up_to >= 0)
);
create index businesses_by_category on businesses (category, id);

create table locations (
    id uuid primary key,
    business_id uuid not null references businesses (id),
    name text not null,
    address text not null default '',
    latitude_e6 integer,
    longitude_e6 integer,
    created_at timestamptz not null,
    constraint locations_latitude_range check (latitude_e6 between -90000000 and 90000000),
    constraint locations_longitude_range check (longitude_e6 between -180000000 and 180000000),
    constraint locations_point_whole check ((latitude_e6 is null) = (longitude_e6 is null))
);
create index locations_by_business on locations (business_id, id);

create table staff (
    business_id uuid not null references businesses (id),
    member_id uuid not null references members (id),
    role text not null,
    location_id uuid references locations (id),
    created_at timestamptz not null,
    primary key (business_id, member_id),
    constraint staff_role_known check (role in ('owner', 'manager', 'cashier'))
);
create index staff_by_member on staff (member_id);
create index staff_by_location on staff (location_id) where location_id is not null;

create table operators (
    member_id uuid not null references members (id),
    role text not null,
    created_at timestamptz not null,
    primary key (member_id, role),
    constraint operators_role_known check (role in ('support', 'analyst', 'admin'))
);

-- A member as a business knows it: the business's own customer number, and what happened between the two.
create table member_aliases (
    business_id uuid not null references businesses (id),
    external_id text not null,
    member_id uuid not null references members (id),
    created_at timestamptz not null,
    primary key (business_id, external_id)
);
create index member_aliases_by_member on member_aliases (member_id);

select grant_to_app('select, insert, update', 'programme');
select grant_to_app('select, insert, update, delete', 'tiers');
select grant_to_app('select, insert, update', 'members');
select grant_to_app('select, insert, update', 'businesses');
select grant_to_app('select, insert, update', 'locations');
select grant_to_app('select, insert, update, delete', 'staff');
select grant_to_app('select, insert, delete', 'operators');
select grant_to_app('select, insert, delete', 'member_aliases');
