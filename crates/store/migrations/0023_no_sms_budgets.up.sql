-- Budgets of text messages stand in limit_counters, or in Redis; nothing has ever written here.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore ban-drop-table
drop table sms_budgets;
