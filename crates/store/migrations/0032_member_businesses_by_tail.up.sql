-- no-transaction
-- Finds a business's own members by the end of their phone, and those whose hash is to be made.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
create index concurrently if not exists member_businesses_by_tail on member_businesses (business_id, tail_hash);
