-- no-transaction
drop index concurrently if exists journals_of_hold;
