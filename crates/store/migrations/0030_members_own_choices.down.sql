set lock_timeout = '2s';
set statement_timeout = '60s';

-- squawk-ignore ban-drop-table
drop table referrals, invitation_codes, devices, notification_preferences, consents, consent_texts, member_emails;
