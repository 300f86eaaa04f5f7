set lock_timeout = '2s';
set statement_timeout = '60s';
drop table if exists outbox_events, idempotency_keys, used_member_codes, member_rule_usage, rule_budgets,
    earning_rule_versions, earning_rules, member_days, member_businesses, refund_lines, refunds, purchase_lines,
    purchases, receipts;
