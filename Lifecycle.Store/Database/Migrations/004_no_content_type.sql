-- Written and never read; what a file is the probe says, not its sender.
alter table videos drop column content_type;
