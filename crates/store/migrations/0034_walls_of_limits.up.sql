-- The second wall of what the limits at tills keep for one business.
set lock_timeout = '2s';
set statement_timeout = '60s';

select set_wall('staff_credits');
select set_wall('fraud_cases');
