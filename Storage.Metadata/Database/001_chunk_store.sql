-- The chunk store's facts. What a majority of a chunk's acceptors has accepted is the truth of its decision; the record of it here can be made again.
-- Rules of the code are repeated as checks: a row can hold nothing else. Ids are texts as seed 002 has them; a uuid is written in lower case.

create domain object_id as text check (value ~ '^[A-Za-z0-9_-]{1,64}$');
create domain sha256_hex as text check (value ~ '^[0-9a-f]{64}$');
create domain redundancy_mode as text check (value in ('replication', 'erasure_coding'));

create table nodes (
    id                 text primary key check (char_length(id) between 1 and 128),
    url                text unique check (url ~ '^https?://'), -- null: another node has registered with this address
    version            text not null check (char_length(version) <= 64),
    last_heartbeat     timestamptz not null default now(),     -- registration counts as one
    last_probe         timestamptz,                            -- the last one that was answered
    disk_usage_percent double precision not null default 0 check (disk_usage_percent between 0 and 100),
    chunk_count        bigint not null default 0 check (chunk_count >= 0),
    is_native          boolean,                                -- whether it has an acceptor; null: not asked yet
    acceptor_id        text check (acceptor_id ~ '^[0-9a-f]{32}$'), -- drawn with its folder: a node with a new one is another acceptor
    registered_at      timestamptz not null default now()
);

create table videos (
    id           object_id primary key,
    title        text not null check (char_length(title) between 1 and 255),
    duration_sec integer not null check (duration_sec > 0),
    status       text not null default 'uploading' check (status in ('uploading', 'active', 'deleted')),
    status_since timestamptz not null default now(),
    created_at   timestamptz not null default now()
);
create index videos_newest on videos (created_at desc, id desc) where status <> 'deleted';

-- Of any id, as the original had it: views and overrides may come before their video. Those that stay without one are forgotten after a day.
create table views (
    video_id   object_id primary key,
    count      bigint not null default 0 check (count >= 0),
    updated_at timestamptz not null default now()
);

create table redundancy_overrides (
    video_id object_id primary key,
    mode     redundancy_mode not null,
    set_at   timestamptz not null default now()
);

-- Inserted if absent, never changed and never deleted: two majorities of one chunk always meet. Empty: there was no native node, and this database alone decides.
create table chunk_groups (
    chunk_id  object_id primary key,
    acceptors text[] not null check (cardinality(acceptors) % 2 = 1 or cardinality(acceptors) = 0),
    look_at   timestamptz not null default now() + interval '30 seconds', -- when to ask the acceptors for a decision that is not recorded
    looked    integer not null default 0,
    fixed_at  timestamptz not null default now()
);
create index chunk_groups_look_at on chunk_groups (look_at);

-- The decided value: inserted if absent, immutable.
create table chunk_decisions (
    chunk_id   object_id primary key references chunk_groups (chunk_id),
    video_id   object_id not null,
    sequence   integer not null check (sequence >= 0),
    size_bytes integer not null check (size_bytes between 1 and 2098176),
    checksum   sha256_hex not null,
    mode       redundancy_mode not null,
    nodes      text[] not null,       -- the first placement
    urls       text[] not null,       -- of those nodes, then
    fragments  jsonb,
    ballot     bigint not null check (ballot > 0),
    decided_at timestamptz not null default now()
);
create index chunk_decisions_video on chunk_decisions (video_id, sequence);

-- Where a chunk lives now; moved by compare-and-swap of its version, together with the removal of what it leaves behind.
create table chunk_placements (
    chunk_id     object_id primary key references chunk_decisions (chunk_id),
    version      bigint not null default 1 check (version > 0),
    mode         redundancy_mode not null,
    nodes        text[] not null,     -- of the replicas; or of the fragments by index, '' for one that is nowhere
    fragments    jsonb,               -- id, index, size_bytes, checksum
    moved_at     timestamptz not null default now(),
    audited_at   timestamptz not null default now(),
    repair_after timestamptz not null default '-infinity', -- a repair that could not be done is tried again then
    check (case mode when 'replication' then fragments is null and cardinality(nodes) > 0 else jsonb_array_length(fragments) = 5 and cardinality(nodes) = 5 end)
);
create index chunk_placements_nodes on chunk_placements using gin (nodes);
create index chunk_placements_few on chunk_placements (chunk_id) where mode = 'replication' and cardinality(nodes) < 3;
create index chunk_placements_audit on chunk_placements (audited_at);

-- Copies that no placement names any more; a node that is away loses them when it is back.
create table removals (
    object_id      object_id not null,
    node_id        text not null references nodes (id) on delete cascade,
    chunk_id       object_id not null,
    fragment_index smallint check (fragment_index between 0 and 4), -- null: the chunk itself
    due            timestamptz not null default now(),
    attempts       integer not null default 0,
    primary key (object_id, node_id)
);
create index removals_due on removals (due);
