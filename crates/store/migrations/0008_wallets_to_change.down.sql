-- no-transaction
drop index concurrently if exists wallets_to_change;
