-- The rows that were there are read while others go on writing.
set lock_timeout = '2s';
set statement_timeout = '1h';

alter table wallets validate constraint wallets_counted_whole;
