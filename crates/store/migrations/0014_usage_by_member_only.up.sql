-- no-transaction
-- What caps let through is asked for by member; by rule alone a popular rule would be read whole.
-- One statement a file is all that runs outside a transaction; the timeouts are those of the account that migrates.
-- squawk-ignore ban-concurrent-index-creation-in-transaction, require-lock-timeout, require-statement-timeout
drop index concurrently if exists member_rule_usage_of_rule;
