set lock_timeout = '2s';
set statement_timeout = '60s';

do $$
begin
    if exists (select from pg_roles where rolname = 'owncircle_app') then
        revoke update (reason) on member_blocks from owncircle_app;
    end if;
end
$$;
