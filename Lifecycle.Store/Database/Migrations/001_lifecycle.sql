-- States are checked here as well as in code: a row can only hold what Lifecycle.Contracts' tables name.

create table videos (
    id               uuid primary key,
    state            text not null check (state in ('UPLOADING', 'COMPLETING', 'ABORTING', 'UPLOADED', 'PROCESSING', 'READY', 'FAILED', 'DELETED')),
    sequence         bigint not null default 1,
    version          integer not null default 0,      -- the READY version that is served; 0: none yet
    file_name        text,
    content_type     text,
    source_bytes     bigint,
    source_sha256    bytea,
    upload_token     bigint,                          -- fences the one request that may complete the upload
    upload_lease     timestamptz,                     -- beyond it the reaper or recovery takes over
    s3_upload_id     text,
    failure_category text,
    failure_reason   text,
    trace_parent     text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now()
);
create index videos_upload_lease on videos (upload_lease) where state in ('UPLOADING', 'COMPLETING', 'ABORTING');

create table video_history (
    video_id uuid not null references videos (id) on delete cascade,
    sequence bigint not null,
    trigger  text not null,
    state    text not null,
    reason   text,
    at       timestamptz not null default now(),
    primary key (video_id, sequence)
);

create table video_versions (
    video_id    uuid not null references videos (id) on delete cascade,
    version     integer not null,
    catalogue   jsonb not null,
    conformance jsonb not null,
    media       jsonb not null,                       -- what the probe found in the source
    created_at  timestamptz not null default now(),
    primary key (video_id, version)
);

create table jobs (
    id               uuid primary key,
    video_id         uuid not null references videos (id) on delete cascade,
    sequence         bigint generated always as identity,   -- first in, first out within a priority
    state            text not null check (state in ('pending', 'queued', 'processing', 'paused', 'completed', 'failed', 'cancelled')),
    priority         integer not null default 5 check (priority between 0 and 10),
    version          integer not null,
    trace_parent     text,
    failure_category text,
    failure_reason   text,
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    finished_at      timestamptz
);
create index jobs_video on jobs (video_id);
create unique index jobs_one_live_per_version on jobs (video_id, version) where state not in ('completed', 'failed', 'cancelled');

create table tasks (
    id               uuid primary key,
    job_id           uuid not null references jobs (id) on delete cascade,
    video_id         uuid not null references videos (id) on delete cascade,
    kind             text not null check (kind in ('plan', 'chunk', 'audio', 'finalize')),
    ordinal          integer not null,
    state            text not null check (state in ('waiting', 'runnable', 'leased', 'done', 'failed')),
    priority         integer not null,
    job_sequence     bigint not null,
    attempt          integer not null default 1,      -- the run that is next or now, 1 for the first
    run_after        timestamptz not null default now(),
    lease_token      bigint,
    lease_until      timestamptz,
    worker_id        text,
    progress         real not null default 0,
    output           jsonb,
    failure_category text,
    failure_reason   text,
    failure_detail   text,
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    unique (job_id, kind, ordinal),
    check ((state = 'leased') = (lease_token is not null and lease_until is not null))
);
create index tasks_claim on tasks (priority desc, job_sequence, ordinal) where state = 'runnable';
create index tasks_lease on tasks (lease_until) where state = 'leased';
create sequence lease_tokens;

-- What every run of a task came to: evidence for operators and tests.
create table task_runs (
    task_id     uuid not null references tasks (id) on delete cascade,
    lease_token bigint not null,
    attempt     integer not null,
    worker_id   text not null,
    started_at  timestamptz not null default now(),
    ended_at    timestamptz,
    outcome     text,
    primary key (task_id, lease_token)
);

-- Failed tasks, found, replayed and deleted by id.
create table dead_letters (
    id         uuid primary key,
    task_id    uuid not null unique references tasks (id) on delete cascade,
    job_id     uuid not null,
    video_id   uuid not null,
    category   text not null,
    reason     text not null,
    detail     text,
    attempts   integer not null,
    failed_at  timestamptz not null default now()
);

create table outbox (
    id           bigint generated always as identity primary key,
    message_id   uuid not null,
    exchange     text not null,
    routing_key  text not null,
    type         text not null,
    body         bytea not null,
    trace_parent text,
    created_at   timestamptz not null default now()
);

-- A key stands for the video that its first request made: the answer is derived from the video, so that a request which
-- died after its bytes were durable is answered as well once recovery has finished the upload.
create table idempotency_keys (
    scope       text not null,                         -- principal and route
    key         text not null,
    video_id    uuid not null,
    lease_until timestamptz not null,                  -- beyond it, and without a finished video, another request may take the key
    expires_at  timestamptz not null,
    primary key (scope, key)
);
create index idempotency_expiry on idempotency_keys (expires_at);

create table workers (
    id        text primary key,
    instance  uuid not null,
    slots     integer not null,
    busy      integer not null default 0,
    last_seen timestamptz not null default now()
);

-- Prefixes whose uncommitted objects are to be removed; swept again until due no more.
create table sweeps (
    video_id uuid not null references videos (id) on delete cascade,
    due      timestamptz not null,
    primary key (video_id, due)
);
create index sweeps_due on sweeps (due);
