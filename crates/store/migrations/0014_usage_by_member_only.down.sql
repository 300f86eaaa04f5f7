-- no-transaction
create index concurrently if not exists member_rule_usage_of_rule on member_rule_usage (rule_id);
