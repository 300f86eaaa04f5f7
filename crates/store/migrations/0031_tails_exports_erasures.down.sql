set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore ban-drop-table
drop table erasures, exports;
-- squawk-ignore ban-drop-column
alter table members drop column phone_hash_2;
-- squawk-ignore ban-drop-column
alter table member_businesses drop column tail_hash;
