create table webhooks (
    id              uuid primary key,
    owner_id        uuid not null references users (id) on delete cascade,
    url             text not null,
    events          jsonb not null,                   -- {"job_started": true, ...}
    secret          bytea not null,                   -- encrypted with a key derived from Accounts:Secret
    is_active       boolean not null default true,
    disabled_reason text,                             -- why the platform switched it off; null: it did not
    failures        integer not null default 0,       -- deliveries in a row that failed for good
    failing_since   timestamptz,                      -- the first failed attempt since the last success
    created_at      timestamptz not null default now()
);
create index webhooks_owner on webhooks (owner_id, id);

create table webhook_deliveries (
    id           uuid primary key,                    -- the receiver's webhook-id, the same in every attempt
    webhook_id   uuid not null references webhooks (id) on delete cascade,
    event        text not null,
    payload      bytea not null,                      -- sent and signed as it stands here
    state        text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'superseded')),
    attempts     integer not null default 0,          -- since it was written or replayed, the running one included
    due          timestamptz not null default now(),
    lease_token  bigint,
    lease_until  timestamptz,
    job_id       uuid,                                -- of progress: at most one waits for each job
    progress     real,                                -- the figure in the payload, 0 to 100
    trace_parent text,
    created_at   timestamptz not null default now(),
    ended_at     timestamptz,
    check ((state = 'pending') = (ended_at is null)),
    check (lease_token is null or state = 'pending')
);
create index webhook_deliveries_due on webhook_deliveries (due) where state = 'pending';
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, id desc);
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where state <> 'pending';
create index webhook_deliveries_waiting on webhook_deliveries (job_id) where state = 'pending' and job_id is not null;
create index webhook_deliveries_progress on webhook_deliveries (job_id, webhook_id, id desc) where job_id is not null;

-- What became of each attempt; one without an outcome was cut short with its process.
create table webhook_attempts (
    delivery_id uuid not null references webhook_deliveries (id) on delete cascade,
    lease_token bigint not null,
    at          timestamptz not null default now(),
    status      integer,                              -- of the answer; null: there was none
    latency_ms  integer,
    error       text,
    primary key (delivery_id, lease_token)
);
