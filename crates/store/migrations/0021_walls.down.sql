set lock_timeout = '2s';
set statement_timeout = '60s';

select drop_wall('earning_rule_versions');
select drop_wall('earning_rules');
select drop_wall('locations');
select drop_wall('import_dry_receipts');
select drop_wall('import_verdicts');
select drop_wall('import_chunks');
select drop_wall('imports');
select drop_wall('integration_keys');
select drop_wall('staff');
drop function drop_wall(regclass);
drop function set_wall(regclass, text, text);
