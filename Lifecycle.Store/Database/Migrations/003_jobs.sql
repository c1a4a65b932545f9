alter table jobs add column kind text not null default 'ingest' check (kind in ('ingest', 'transcode'));
alter table jobs add column config jsonb;                            -- what a transcode job is to make
alter table jobs add column output jsonb;                            -- what it has made
alter table jobs add column request_key text;                        -- the Idempotency-Key of the request that made it
create unique index jobs_request_key on jobs (video_id, request_key) where request_key is not null;

-- A transcode job makes no version of its video: it has version 0, and any number of them may run.
drop index jobs_one_live_per_version;
create unique index jobs_one_live_per_version on jobs (video_id, version) where kind = 'ingest' and state not in ('completed', 'failed', 'cancelled');
create index jobs_state on jobs (state, sequence) where state in ('pending', 'queued', 'processing', 'paused');

create table job_dependencies (
    job_id     uuid not null references jobs (id) on delete cascade,
    depends_on uuid not null references jobs (id) on delete cascade,
    primary key (job_id, depends_on)
);
create index job_dependencies_on on job_dependencies (depends_on);

alter table tasks add column weight real not null default 1;         -- its share of the job's work
alter table tasks add column slots integer not null default 1;       -- what it takes of a worker
create index tasks_leased_jobs on tasks (job_id) where state = 'leased';

alter table workers add column encoders text[] not null default '{}';   -- ffmpeg's video encoders that this worker has
alter table videos add column probe jsonb;                            -- what the plan found in the source, before any version is READY
create index dead_letters_page on dead_letters (id desc);
