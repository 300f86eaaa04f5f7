set lock_timeout = '2s';
set statement_timeout = '60s';

drop table fraud_cases;
drop table staff_credits;
alter table member_businesses drop column day_accruals;
alter table member_businesses drop column day;
