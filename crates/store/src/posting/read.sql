-- All that a group's decisions depend on: one row, a list a column.
select
(select array_agg((k.digest, k.body_hash, k.status, k.purchase_id, k.location, k.response))
 from kept_answers k where k.digest = any($1)) as "kept: Vec<kept_answers::Record>",
(select array_agg((r.business_id, r.kind, r.receipt_number, r.transaction_id))
 from unnest($2::uuid[], $15::text[], $3::text[]) as u (business_id, kind, receipt_number)
 cross join lateral (select * from receipts where business_id = u.business_id and kind = u.kind
                     and receipt_number = u.receipt_number limit 1) r)
   as "receipts: Vec<(Uuid, String, String, Uuid)>",
(select array_agg((c.member_id, c.step))
 from unnest($4::uuid[], $5::bigint[]) as u (member_id, step)
 cross join lateral (select * from used_member_codes
                     where member_id = u.member_id and step = u.step limit 1) c) as "codes: Vec<(Uuid, i64)>",
(select array_agg((u.member_id, s.net_spend, s.points_earned))
 from unnest($21::uuid[], $7::date[], $8::date[]) as u (member_id, since, until)
 cross join lateral (select coalesce(sum(net_spend), 0)::bigint as net_spend,
                            coalesce(sum(points_earned), 0)::bigint as points_earned
                     from member_days where member_id = u.member_id and day >= u.since and day < u.until) s)
   as "sums: Vec<(Uuid, i64, i64)>",
(select array_agg((b.member_id, b.business_id, b.visits, case when b.day = $16 then b.day_accruals else 0 end))
 from unnest($9::uuid[], $10::uuid[]) as u (member_id, business_id)
 cross join lateral (select * from member_businesses
                     where member_id = u.member_id and business_id = u.business_id limit 1) b)
   as "visits: Vec<(Uuid, Uuid, i32, i32)>",
(select array_agg((u.member_id, u.business_id, u.cashier_id, c.credits))
 from unnest($17::uuid[], $18::uuid[], $19::uuid[]) as u (member_id, business_id, cashier_id)
 cross join lateral (select coalesce(sum(credits), 0)::int as credits from staff_credits
                     where member_id = u.member_id and cashier_id = u.cashier_id and business_id = u.business_id
                       and hour >= $20) c) as "credits: Vec<(Uuid, Uuid, Uuid, i32)>",
(select array_agg((m.member_id, m.rule_id, m.period_start, m.granted))
 from unnest($6::uuid[]) as u (member_id)
 cross join lateral (select * from member_rule_usage
                     where member_id = u.member_id and rule_id = any($11) offset 0) m)
   as "usage: Vec<(Uuid, Uuid, NaiveDate, i64)>",
(select array_agg((b.rule_id, b.granted)) from rule_budgets b where b.rule_id = any($12))
   as "budgets: Vec<(Uuid, i64)>",
(select array_agg(((l.id, l.member_id, l.origin, l.origin_id, l.funder_id),
                   (l.earned_at, l.activates_at, l.expires_at),
                   (l.amount, l.remaining, l.expired, l.pending)))
 from (select * from lots where member_id = any($13) and open
       union all
       select f.* from unnest($14::uuid[]) as u (member_id)
       cross join lateral (select * from lots
                           where lots.member_id = u.member_id and open and not pending
                           order by expires_at, id limit 64) f) l) as "lots: Vec<lots::Record>"
