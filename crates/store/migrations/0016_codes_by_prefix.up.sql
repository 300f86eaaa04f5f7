-- no-transaction
-- Each code that is asked for looks how the codes before it of the same prefix fared.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
create index concurrently if not exists one_time_codes_of_prefix on one_time_codes (prefix_hash, created_at);
