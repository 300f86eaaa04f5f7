set lock_timeout = '2s';
set statement_timeout = '60s';

drop table import_dry_receipts;
drop table import_verdicts;
drop table import_chunks;
drop table imports;
