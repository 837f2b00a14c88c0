"""``wampapp deploy``: files for a process manager, which runs services in production."""
