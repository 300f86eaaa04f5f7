-- no-transaction
-- A phone is one member's under either data key.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
create unique index concurrently if not exists members_phone_2_unique on members (phone_hash_2);
