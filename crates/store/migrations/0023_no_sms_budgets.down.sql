set lock_timeout = '2s';
set statement_timeout = '60s';

create table sms_budgets (
    hour timestamptz primary key,
    sent integer not null,
    constraint sms_budgets_not_negative check (sent >= 0)
);
select grant_to_app('select, insert, update, delete', 'sms_budgets');
