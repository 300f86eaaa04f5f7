-- no-transaction
-- The one look from a cause to its journals: what a hold drew on. It replaces journals_by_source, which grew with every
-- journal.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
create index concurrently if not exists journals_of_hold on journals (source_id) where kind = 'hold';
