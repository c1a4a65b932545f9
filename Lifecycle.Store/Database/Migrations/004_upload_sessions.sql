-- A resumable upload is a video's row in UPLOADING with this beside it; the video's lease lasts as long as the session.
alter table videos add column is_partial boolean not null default false;   -- of a tus concatenation: never a video, never counted as one

create table upload_sessions (
    id              uuid primary key,
    video_id        uuid not null references videos (id) on delete cascade,   -- a partial upload's own row until the final one takes its bytes
    owner_id        uuid not null references users (id),
    kind            text not null check (kind in ('parts', 'tus', 'partial', 'final')),
    total_size      bigint not null check (total_size > 0),
    part_size       integer not null,
    received        bigint not null default 0,        -- tus: the durable offset
    tail_key        text,                             -- tus: the object with the bytes behind the last whole part
    metadata        text,                             -- tus: Upload-Metadata as it was sent
    concat          text,                             -- tus: Upload-Concat as it was sent
    idempotency_key text,
    lock_token      bigint,                           -- tus: fences the one request that writes
    lock_until      timestamptz,                      -- beyond it the lock is anybody's
    lock_wanted     boolean not null default false,   -- another request waits for it
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null,
    check (received between 0 and total_size)
);
create unique index upload_sessions_idempotency on upload_sessions (owner_id, idempotency_key) where idempotency_key is not null;
create index upload_sessions_owner on upload_sessions (owner_id, id desc);
create index upload_sessions_video on upload_sessions (video_id);
create index upload_sessions_expiry on upload_sessions (expires_at);

create table upload_parts (
    session_id  uuid not null references upload_sessions (id) on delete cascade,
    number      integer not null check (number between 1 and 10000),
    size        bigint not null,
    etag        text not null,                        -- MD5 of the bytes, as the store has it
    uploaded_at timestamptz not null default now(),
    primary key (session_id, number)
);
