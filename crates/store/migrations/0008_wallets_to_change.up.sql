-- no-transaction
-- What is due, on the wallet instead of on each lot and hold.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
create index concurrently if not exists wallets_to_change on wallets (next_change_at) where next_change_at is not null;
