set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore-file ban-drop-constraint, ban-drop-column

alter table wallets drop constraint wallets_counted_whole;
alter table wallets drop column counted_points;
alter table wallets drop column counted_spend;
alter table wallets drop column counted_from;
