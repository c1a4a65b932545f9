-- Tasks of jobs that nobody will work on again are closed with them; those from before, here.
update tasks t set state = 'failed', finished_at = now() from jobs j where j.id = t.job_id and j.state = 'cancelled' and t.state in ('waiting', 'runnable');
delete from dead_letters d using videos v where v.id = d.video_id and v.state = 'DELETED';
create index tasks_waiting on tasks (job_id) where kind = 'finalize' and state = 'waiting';
