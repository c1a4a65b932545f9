alter table users add column tier text not null default 'default';               -- names a tier of the section ratelimit
alter table users add column daily_quota integer check (daily_quota >= 0);       -- null: the configured default; 0: none
alter table users add column quota_alerted_for timestamptz;                      -- the period whose first refusal has been told

-- An account's videos of a period are counted, never kept in a counter.
create index videos_owner_created on videos (owner_id, created_at);

-- Token buckets as the time at which they are full again. Unlogged: a request waits for no disk, and a crash of the server
-- fills them all. No second index and room in the pages, so that an update stays in its page.
create unlogged table rate_buckets (
    key      text primary key,
    full_at  timestamptz not null,
    seen_at  timestamptz not null,
    admitted boolean not null
) with (fillfactor = 50);

-- What monitoring asks for every few seconds.
create index jobs_started on jobs (started_at) where started_at is not null;
create index jobs_finished on jobs (finished_at) where finished_at is not null;
create index tasks_finalize on tasks (id) where kind = 'finalize';
