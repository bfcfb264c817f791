"""How many edges, workers, Redis instances and relays a rate needs: a simulation fed with measured costs."""
