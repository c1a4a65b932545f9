alter table jobs drop constraint jobs_kind_check;
alter table jobs add constraint jobs_kind_check check (kind in ('ingest', 'transcode', 'distribute', 'edge'));

-- What the owner says about a copy on the chunk store's nodes; null: popularity decides.
alter table videos add column edge boolean;
create index videos_edge on videos (id) where edge;

-- Copies of READY versions in the chunk store. How far one is, and of which version, is read from its job.
create table edge_copies (
    id        uuid primary key,                           -- of the job that places it, and of the video that the chunk store has it as
    video_id  uuid not null references videos (id) on delete cascade,
    is_wanted boolean not null default true                -- false: to be removed from the chunk store; then the row goes
);
create unique index edge_copies_wanted on edge_copies (video_id) where is_wanted;
create index edge_copies_unwanted on edge_copies (id) where not is_wanted;

-- How often a player has asked for the video's manifest.
create table video_views (
    video_id uuid primary key references videos (id) on delete cascade,
    count    bigint not null default 0 check (count >= 0)
);
create index video_views_count on video_views (count);
