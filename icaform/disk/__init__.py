"""Files of the machine that we run on, for every room above that keeps one."""
