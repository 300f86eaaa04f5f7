set lock_timeout = '2s';
set statement_timeout = '60s';

drop table sign_in_tries;
drop table recovery_codes;
drop table authenticators;
drop table passwords;
drop table passkey_challenges;
drop table passkeys;
