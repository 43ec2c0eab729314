"""What is true of agents, jobs and connections, without any I/O: rules, views and the ports to the world."""
