-- no-transaction
drop index concurrently if exists one_time_codes_of_prefix;
