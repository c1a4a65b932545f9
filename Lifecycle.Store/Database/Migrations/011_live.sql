-- Live streams (seed 001). Times are the database's. Locks are taken in the order stream, session, video, job, task.
create table streams (
    id                  text primary key check (id ~ '^[a-zA-Z0-9-]{3,64}$'),
    owner_id            uuid references users (id),
    title               text not null check (length(title) between 1 and 140),
    start_time          timestamptz not null,
    ingest_endpoints    jsonb not null,                        -- as requested: [{protocol, url, backupUrl?}]
    metadata            jsonb not null default '{}',           -- normalized by ValidateProvisionRequest
    request_sha256      bytea not null,                        -- of the canonical request: the same again gets the same answer
    accepted_at         timestamptz not null default now(),
    status              text not null check (status in ('PROVISIONING', 'READY', 'LIVE', 'COMPLETE', 'FAILED')),
    status_reason       text,
    status_at           timestamptz not null default now(),
    ready_at            timestamptz,                           -- RecordCompletion's
    live_at             timestamptz,
    ended_at            timestamptz,
    -- The workflow: where it is, since when, and when it is to be looked at again.
    workflow_state      text not null,
    workflow_entered_at timestamptz not null default now(),
    workflow_attempt    integer not null default 1,            -- of the present step
    workflow_due        timestamptz,                           -- null: it is over
    workflow_error      text,                                  -- why it failed
    confirmation        text check (confirmation in ('ready', 'failed')),   -- of the encoder or of PUT /streams; the first counts
    confirmation_reason text,
    -- Playback: null until ConfigurePlaybackEndpoints.
    playback_at         timestamptz,
    entitlement         text,                                  -- what a viewer must show; null: public
    video_id            uuid not null unique,                  -- the recording's, given out at the start
    trace_parent        text
);
create index streams_due on streams (workflow_due) where workflow_due is not null;
create index streams_newest on streams (accepted_at desc, id desc);
create index streams_owner on streams (owner_id, accepted_at desc, id desc);

create table stream_steps (
    stream_id  text not null references streams (id) on delete cascade,
    sequence   integer not null,                               -- 1 for the first step taken
    state      text not null,
    entered_at timestamptz not null,
    left_at    timestamptz,                                    -- null: it is in it
    attempts   integer not null default 1,
    outcome    text,
    reason     text,
    primary key (stream_id, sequence)
);

-- The encoder's side. Its slots count against the pool's while it is reserved or encoding.
create table live_sessions (
    stream_id     text primary key references streams (id) on delete cascade,
    state         text not null check (state in ('reserved', 'encoding', 'recording', 'closed')),
    slots         integer not null check (slots > 0),
    lease_token   bigint,
    lease_until   timestamptz,
    worker_id     text,
    attempt       integer not null default 1,                  -- of the recording
    run_after     timestamptz not null default now(),
    generation    integer not null default 0,                  -- of the newest input that brought segments: each has its own init and timestamps
    input_at      timestamptz,                                 -- when media last came; null: never
    input_error   text,                                        -- why the last input was not taken; null: it was
    is_failing    boolean not null default false,              -- the last worker gave it back because it could not go on
    recording_error text,
    created_at    timestamptz not null default now(),
    swept_at      timestamptz                                  -- when its objects were removed
);
create index live_sessions_open on live_sessions (state, run_after) where state <> 'closed';

-- One row per generation and track: what a player must load before its segments.
create table live_tracks (
    stream_id   text not null references live_sessions (stream_id) on delete cascade,
    generation  integer not null,
    track       text not null,                                 -- as in addresses: 480p, 240p, audio
    kind        text not null check (kind in ('video', 'audio')),
    init_key    text not null,
    init_bytes  bigint not null,
    init_sha256 text not null,
    codecs      text not null,                                 -- RFC 6381
    bandwidth   integer not null,                              -- bits per second, the most that its encoder may take
    width       integer,
    height      integer,
    frame_rate  double precision,
    primary key (stream_id, generation, track)
);

-- A row is a promise: the object is in the store. All tracks of one sequence number commit together.
create table live_segments (
    stream_id         text not null references live_sessions (stream_id) on delete cascade,
    sequence          bigint not null,                         -- the media sequence number, from 0, the same for all tracks, over all generations
    track             text not null,
    generation        integer not null,
    object_key        text not null,
    bytes             bigint not null,
    sha256            text not null,
    duration          double precision not null check (duration > 0),   -- seconds
    program_date_time timestamptz not null,                    -- of its first sample
    primary key (stream_id, sequence, track)
);

-- The input as it came, in pieces: put together, the pieces of a generation are its transport stream.
create table live_recordings (
    stream_id  text not null references live_sessions (stream_id) on delete cascade,
    sequence   bigint not null,
    generation integer not null,
    object_key text not null,
    bytes      bigint not null,
    primary key (stream_id, sequence)
);

-- What a worker's slot encodes in real time, in pixels per second; null: not measured yet.
alter table workers add column live_pixels_per_second bigint;

-- PersistProvisionRequest's: from now on the stream is in lists. The row itself is the request's audit: it is never removed.
alter table streams add column persisted_at timestamptz;

-- READY is told by the workflow, or before it by who overtakes it: once.
alter table streams add column ready_told_at timestamptz;

-- Where all tracks of the last listed segments have ended: the next generation's media begins there. Players that look at no discontinuity go on as well.
alter table live_sessions add column media_milliseconds bigint not null default 0;

-- The sweeper looks twice: an upload that hung in a stopped worker may end after the first time.
alter table live_sessions add column sweeps smallint not null default 0;
