set lock_timeout = '2s';
set statement_timeout = '60s';

select drop_wall('fraud_cases');
select drop_wall('staff_credits');
