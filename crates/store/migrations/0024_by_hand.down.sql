-- Only while nothing was given from member to member: the ledger keeps what was.
set lock_timeout = '2s';
set statement_timeout = '60s';

alter table journals drop constraint journals_kind_known;
alter table journals add constraint journals_kind_known check (kind in (
    'accrual', 'activation', 'redemption', 'hold', 'capture', 'release', 'expiry',
    'clawback', 'restoration', 'debt_payment', 'adjustment'
)) not valid;
drop table member_blocks;
drop table transfers;
drop table adjustments;
drop function refuse_other_than_decision();
