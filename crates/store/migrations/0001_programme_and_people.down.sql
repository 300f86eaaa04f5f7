set lock_timeout = '2s';
set statement_timeout = '60s';
drop table if exists member_aliases, operators, staff, locations, businesses, members, tiers, programme;
drop function if exists refuse_change();
drop function if exists grant_to_app(text, regclass);
do $$
begin
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        revoke usage on schema public from owncircle_app;
    end if;
end
$$;
-- The role itself belongs to the whole server, where other databases may use it, and stays.
