-- A lot is made for a wallet that its transaction has locked or compared, and a wallet is of a member by a foreign key. To
-- check and lock the member for each lot as well costs a twentieth of a purchase; the audit finds lots of nobody.
set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore ban-drop-constraint
alter table lots drop constraint lots_member_id_fkey;
