set lock_timeout = '2s';
set statement_timeout = '60s';

drop table development_outbox;
drop table member_cards;
drop table signing_keys;
drop table refresh_tokens;
drop table sessions;
drop table sms_budgets;
drop table one_time_codes;
drop table code_phones;
drop table integration_keys;
