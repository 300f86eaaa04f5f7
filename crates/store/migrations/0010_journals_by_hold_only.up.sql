-- no-transaction
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
drop index concurrently if exists journals_by_source;
