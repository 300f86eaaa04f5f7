set lock_timeout = '2s';
set statement_timeout = '1h';

alter table lots add constraint lots_member_id_fkey foreign key (member_id) references members (id) not valid;
alter table lots validate constraint lots_member_id_fkey;
