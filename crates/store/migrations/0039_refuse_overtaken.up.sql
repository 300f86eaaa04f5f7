-- Ends a statement that was decided upon from wallets which others have changed since. It fails as a lost race does
-- (serialization_failure), so whoever sent it begins again.
set lock_timeout = '2s';
set statement_timeout = '60s';

create function refuse_overtaken() returns boolean
language plpgsql as $$
begin
    raise exception 'a wallet was changed by another transaction' using errcode = 'serialization_failure';
end
$$;
