set lock_timeout = '2s';
set statement_timeout = '60s';
drop table if exists audit_chain;
drop table if exists audit_unsealed;
drop table if exists audit_log;
