set lock_timeout = '2s';
set statement_timeout = '60s';

drop function if exists refuse_overtaken();
