set lock_timeout = '2s';
set statement_timeout = '60s';

select drop_wall('member_businesses');
select drop_wall('receipts');
select drop_wall('member_aliases');
