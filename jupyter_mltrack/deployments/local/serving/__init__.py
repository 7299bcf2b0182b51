"""Parts of a replica. They run in any Python that has MLflow: nothing else of ours is imported."""
