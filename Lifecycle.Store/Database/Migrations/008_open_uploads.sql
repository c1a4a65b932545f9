-- An account's uploads under way are counted before each new one.
create index videos_owner_uploading on videos (owner_id) where state = 'UPLOADING';
