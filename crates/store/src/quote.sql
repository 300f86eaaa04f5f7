-- All that a quote depends on, in one row.
with found as materialized (
    select m.id, m.status, m.birthday_sealed from members m
    where m.id = case $1::smallint
        when 1 then $2::uuid
        when 2 then (select p.id from members p where p.phone_hash = $3
                union all
                select p.id from members p where p.phone_hash_2 = $3 limit 1)
        when 3 then (select n.id from members n where n.number = $4)
        when 4 then (select c.member_id from member_cards c join sessions s on s.id = c.session_id
                     where c.locator = $4 and s.ended_at is null)
        else (select a.member_id from member_aliases a where a.business_id = $5 and a.external_id = $4)
    end
)
select f.id as "id?", f.status as "status?", f.birthday_sealed,
       w.available as "available?", w.pending as "pending?", w.held as "held?", w.debt as "debt?",
       w.next_change_at, w.spending_from, w.tier as "tier?", w.tier_since as "tier_since?",
       w.counted_from, w.counted_spend, w.counted_points,
       (select r.transaction_id from receipts r
        where r.business_id = $5 and r.kind = 'purchase' and r.receipt_number = $6) as receipt,
       exists (select from used_member_codes u where u.member_id = f.id and u.step = $7) as "code_used!",
       case when w.counted_from <= $8 then w.counted_spend - d.net_spend else d.net_spend end as "net_spend!",
       case when w.counted_from <= $8 then w.counted_points - d.points_earned else d.points_earned end
           as "points_earned!",
       v.visits as "visits?", v.accruals,
       case when $14::uuid is not null then
           (select coalesce(sum(s.credits), 0)::int from staff_credits s
            where s.member_id = f.id and s.cashier_id = $14 and s.business_id = $5 and s.hour >= $16)
       end as credits,
       case when $14::uuid is not null then
           (select coalesce(sum(s.points), 0)::bigint from staff_credits s
            where s.cashier_id = $14 and s.hour = $17) end as hour_points,
       (select array_agg((c.rule_id, c.period_start, c.granted)) from member_rule_usage c
        where c.member_id = f.id and c.rule_id = any($10)) as "usage: Vec<(Uuid, NaiveDate, i64)>",
       (select array_agg((g.rule_id, g.granted)) from rule_budgets g where g.rule_id = any($11))
           as "budgets: Vec<(Uuid, i64)>",
       case when $12 and (w.next_change_at is null or w.next_change_at > $13) then
           (select array_agg(((l.id, l.member_id, l.origin, l.origin_id, l.funder_id),
                              (l.earned_at, l.activates_at, l.expires_at),
                              (l.amount, l.remaining, l.expired, l.pending)))
            from (select * from lots where member_id = f.id and open and not pending
                  order by expires_at, id limit 64) l) end as "lots: Vec<lots::Record>"
from (select 1) as always
left join found f on true
left join wallets w on w.member_id = f.id
left join lateral (
    select b.visits, case when b.day = $15 then b.day_accruals else 0 end as accruals
    from member_businesses b where b.member_id = f.id and b.business_id = $5) v on $9
cross join lateral (
    select coalesce(sum(m.net_spend), 0)::bigint as net_spend,
           coalesce(sum(m.points_earned), 0)::bigint as points_earned
    from member_days m
    where m.member_id = f.id
      and m.day >= case when w.counted_from <= $8 then w.counted_from else $8 end
      and m.day < case when w.counted_from <= $8 then $8 else 'infinity' end) d
