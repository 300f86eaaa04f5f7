-- no-transaction
-- Finds the credits whose hour is long over, which housekeeping forgets.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
create index concurrently if not exists staff_credits_by_hour on staff_credits (hour);
