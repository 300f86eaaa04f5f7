-- no-transaction
create index concurrently if not exists journals_by_source on journals (source_id) where source_id is not null;
