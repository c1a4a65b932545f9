create table users (
    id              uuid primary key,
    email           text not null,                    -- as it was given; one account per address, whatever its case
    password_hash   text not null,
    role            text not null check (role in ('user', 'admin')),
    api_key_version integer not null default 1,       -- part of the derived default key: raising it revokes the one before
    created_at      timestamptz not null default now()
);
create unique index users_email on users (lower(email));

-- Further keys: only their hash is kept.
create table api_keys (
    id           uuid primary key,
    user_id      uuid not null references users (id) on delete cascade,
    name         text not null,
    hash         bytea not null unique,
    shown        text not null,                       -- its beginning, for the owner to tell keys apart
    created_at   timestamptz not null default now(),
    last_used_at timestamptz
);
create index api_keys_user on api_keys (user_id, created_at);

alter table videos add column owner_id uuid references users (id);   -- null: sent without an account (seed 000, Development)
create index videos_owner on videos (owner_id, id desc);
