alter table jobs drop constraint jobs_kind_check;
alter table jobs add constraint jobs_kind_check check (kind in ('ingest', 'transcode', 'distribute'));
create unique index jobs_one_live_distribution on jobs (video_id) where kind = 'distribute' and state not in ('completed', 'failed', 'cancelled');

-- Uploads by seed 002's route: their videos also go to the chunk store's nodes.
create table chunk_uploads (
    id          uuid primary key,                      -- the seed's upload_session_id
    video_id    uuid not null unique references videos (id) on delete cascade,
    title       text not null check (length(title) between 1 and 255),
    phase       text check (phase in ('registering', 'uploading_chunks', 'finalizing')),   -- of the distribution; what is before it is read from the job
    chunks      integer check (chunks > 0),            -- once it is cut
    chunks_done integer not null default 0 check (chunks_done between 0 and coalesce(chunks, 0)),
    started_at  timestamptz not null default now()
);
