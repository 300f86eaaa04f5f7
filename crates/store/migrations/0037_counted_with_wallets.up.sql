-- What counts toward the tier stands with the wallet: net spend and points earned since a day, in hundredths, so that a
-- purchase need not sum a year of days. Null: not counted yet, the next purchase does. Setting all three to null is
-- always right.
set lock_timeout = '2s';
set statement_timeout = '60s';

alter table wallets add column counted_from date;
alter table wallets add column counted_spend bigint;
alter table wallets add column counted_points bigint;
alter table wallets add constraint wallets_counted_whole
    check (num_nulls(counted_from, counted_spend, counted_points) in (0, 3)) not valid;
