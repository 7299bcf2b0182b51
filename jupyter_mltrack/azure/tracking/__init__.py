"""MLflow tracking against an Azure ML workspace, with what the service lacks put in its place.

`doors.register` makes MLflow resolve `azureml://` addresses to the stores of this room: MLflow's
own REST stores with our credential. They need no other package, import in milliseconds, never
prompt, and are the same in the kernel, the shipper, the Jupyter server and the workers. The plugin
`azureml-mlflow`, where it is installed, is left for what it alone knows (registries).
"""
