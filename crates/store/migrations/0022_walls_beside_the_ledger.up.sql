-- The second wall of what posting keeps for one business: apart from the rest, because purchases wait while it is set.
set lock_timeout = '2s';
set statement_timeout = '60s';

select set_wall('member_aliases');
select set_wall('receipts');
select set_wall('member_businesses');
