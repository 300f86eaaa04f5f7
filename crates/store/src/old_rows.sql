select place as "place!", rows as "rows!"
from (
    select 'members' as place, count(*) as rows from members
    where get_byte(phone_sealed, 0) <> $1 or get_byte(name_sealed, 0) <> $1 or get_byte(birthday_sealed, 0) <> $1
       or (phone_sealed is not null and not coalesce(
               case when $2::int is null then phone_hash is null
                    when $2 = 1 then length(phone_hash) = 32
                    else length(phone_hash) = 33 and get_byte(phone_hash, 0) = $2 end, false))
       or (phone_sealed is not null and not coalesce(
               case when $3::int is null then phone_hash_2 is null
                    else length(phone_hash_2) = 33 and get_byte(phone_hash_2, 0) = $3 end, false))
    union all
    select 'member_emails', count(*) from member_emails
    where get_byte(email_sealed, 0) <> $1 or get_byte(email_hash, 0) <> $1
    union all
    select 'devices', count(*) from devices where get_byte(token_sealed, 0) <> $1 or get_byte(token_hash, 0) <> $1
    union all
    select 'signing_keys', count(*) from signing_keys where get_byte(private_sealed, 0) <> $1
    union all
    select 'member_businesses', count(*) from member_businesses
    where tail_hash <> ''::bytea and get_byte(tail_hash, 0) <> $1
    union all
    select 'code_stops', count(*) from code_stops where get_byte(label_sealed, 0) <> $1
    union all
    select 'passwords', count(*) from passwords where get_byte(hash_sealed, 0) <> $1
    union all
    select 'authenticators', count(*) from authenticators
    where get_byte(secret_sealed, 0) <> $1 or get_byte(pending_sealed, 0) <> $1
    union all
    select 'exports', count(*) from exports where get_byte(sealed, 0) <> $1
    union all
    select 'development_outbox', count(*) from development_outbox where get_byte(text_sealed, 0) <> $1
    union all
    select 'import_chunks', count(*) from import_chunks where get_byte(sealed, 0) <> $1
) as counted
where rows > 0 order by place
