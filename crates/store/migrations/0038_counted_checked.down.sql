-- A check that was validated stays so; the step before replaces it.
set lock_timeout = '2s';
set statement_timeout = '60s';
