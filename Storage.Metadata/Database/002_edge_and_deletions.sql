-- Copies of videos that the platform's own edge reads: no list shows them.
alter table videos add column is_edge boolean not null default false;
drop index videos_newest;
create index videos_newest on videos (created_at desc, id desc) where status <> 'deleted' and not is_edge;

-- Whether the rest of the platform has taken note of a deletion. Written with the deletion itself, so that none can be lost.
alter table videos add column is_deletion_taken boolean not null default false;
create index videos_deletions on videos (status_since) where status = 'deleted' and not is_deletion_taken;
