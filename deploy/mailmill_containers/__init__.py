"""What runs in the containers of docker-compose.yml: the servers of one machine, reached from outside."""
