"""Scoring processes on this machine: one keeper for each data folder, replicas that it looks after.

    keeper_client   what everybody else calls: deploy, look, ask, stop, remove
    keeper          the process that holds the sockets and looks after the replicas
    warm            the process with the imports done; replicas are forked from it
    replica         the process that loads one model and answers; `serving/` are its parts

The keeper and the replicas talk through socket pairs. A replica that loses its keeper ends at once.
"""
