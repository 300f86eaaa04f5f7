select jsonb_build_object(
    'consents', (select jsonb_agg(jsonb_build_object('kind', kind, 'version', version, 'given', given,
            'channel', channel, 'text_sha256', encode(text_sha256, 'hex'), 'recorded_at', recorded_at) order by id)
        from consents where member_id = $1),
    'preferences', (select choices from notification_preferences where member_id = $1),
    'devices', (select jsonb_agg(jsonb_build_object('id', id, 'provider', provider, 'locale', locale,
            'created_at', created_at) order by id) from devices where member_id = $1),
    'sessions', (select jsonb_agg(jsonb_build_object('id', id, 'device', device, 'place', place, 'client', client, 'amr', amr, 'created_at', created_at,
            'last_seen_at', last_seen_at, 'ended_at', ended_at, 'end_reason', end_reason) order by id)
        from sessions where member_id = $1),
    'cards', (select jsonb_agg(jsonb_build_object('locator', locator, 'created_at', created_at) order by created_at)
        from member_cards where member_id = $1),
    'invitation_code', (select code from invitation_codes where member_id = $1),
    'was_invited', exists (select from referrals where member_id = $1),
    'invited', (select count(*) from referrals where referrer_id = $1),
    'staff_places', (select jsonb_agg(jsonb_build_object('business_id', business_id, 'role', role,
            'location_id', location_id, 'since', created_at) order by business_id) from staff where member_id = $1),
    'operator_roles', (select jsonb_agg(role order by role) from operators where member_id = $1),
    'customer_numbers', (select jsonb_agg(jsonb_build_object('business_id', business_id, 'number', external_id,
            'since', created_at) order by business_id, external_id) from member_aliases where member_id = $1),
    'businesses', (select jsonb_agg(jsonb_build_object('business_id', business_id, 'visits', visits,
            'first_visit_at', first_visit_at, 'last_visit_at', last_visit_at) order by business_id)
        from member_businesses where member_id = $1),
    'days', (select jsonb_agg(jsonb_build_object('day', day, 'net_spend', net_spend,
            'points_earned', points_earned) order by day) from member_days where member_id = $1),
    'wallet', (select to_jsonb(w) - 'member_id' from wallets w where member_id = $1),
    'lots', (select jsonb_agg(to_jsonb(l) - 'member_id' order by l.id) from lots l where member_id = $1),
    'holds', (select jsonb_agg(to_jsonb(h) - 'member_id' order by h.id) from holds h where member_id = $1),
    'purchases', (select jsonb_agg(to_jsonb(p) - 'member_id' - 'cashier' order by p.id)
        from purchases p where member_id = $1),
    'refunds', (select jsonb_agg(to_jsonb(r) order by r.id)
        from purchases p join refunds r on r.purchase_id = p.id where p.member_id = $1),
    'movements', (select jsonb_agg(jsonb_build_object('id', j.id, 'kind', j.kind, 'business_id', j.business_id,
            'source_id', j.source_id, 'occurred_at', j.occurred_at, 'entries', (
                select jsonb_agg(jsonb_build_object('account', e.account, 'lot_id', e.lot_id, 'amount', e.amount)
                    order by e.n) from ledger_entries e where e.journal_id = j.id and e.member_id = $1)) order by j.id)
        from journals j where j.member_id = $1),
    'events', (select jsonb_agg(jsonb_build_object('kind', kind, 'business_id', business_id, 'subject_id', subject_id,
            'payload', payload, 'recorded_at', recorded_at) order by id) from outbox_events where member_id = $1),
    'audit', (select jsonb_agg(jsonb_build_object('action', action, 'by_me', actor_id = $1, 'via', via,
            'object_kind', object_kind, 'recorded_at', recorded_at, 'before', before, 'after', after) order by id)
        from audit_log where actor_id = $1 or (object_kind = 'member' and object_id = $1::text))
) as "everything!"
