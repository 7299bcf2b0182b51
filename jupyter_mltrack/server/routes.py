"""The one table of routes: handlers, OpenAPI and the TypeScript types are made from it.

A route that is not a row here does not exist. `route.py` says what a row is made of.
"""

from __future__ import annotations

from jupyter_mltrack import wire
from jupyter_mltrack.server import (
    account_routes,
    artifact_routes,
    export_routes,
    job_routes,
    manage_routes,
    model_requests,
    model_routes,
    requests,
    run_requests,
    run_routes,
    workspace_routes,
)
from jupyter_mltrack.server.file_answer import FileAnswer
from jupyter_mltrack.server.route import Route
from jupyter_mltrack.server.service import Service

ROUTES: tuple[Route, ...] = (
    Route(
        "getStatus", "GET", "status", "read",
        requests.NoFields, wire.Status, Service.status,
        "What a page asks first: the version of the wire and of the package.",
    ),
    Route(
        "listWorkspaces", "GET", "workspaces", "read",
        requests.WorkspacesRequest, wire.WorkspaceList, Service.workspaces,
        "Workspaces known here; the notebook's own is `current`.",
    ),
    Route(
        "addWorkspace", "POST", "workspaces/add", "write",
        run_requests.AddWorkspaceRequest, wire.WorkspaceInfo, workspace_routes.add,
        "Add a server or a folder to the list of workspaces, and let it be asked.",
    ),
    Route(
        "forgetWorkspace", "POST", "workspaces/forget", "write",
        run_requests.ForgetWorkspaceRequest, wire.Removed, workspace_routes.forget,
        "Take a workspace off the list; nothing in it is deleted.",
    ),
    Route(
        "getAzureOverview", "GET", "azure/overview", "read",
        manage_routes.OverviewRequest, wire.AzureOverview, manage_routes.overview,
        "Computes, endpoints and models of an Azure ML workspace, and what costs money.",
    ),
    Route(
        "listAzureData", "GET", "azure/data", "read",
        manage_routes.DataRequest, wire.DataListing, manage_routes.list_data,
        "What lies in one folder of a datastore of an Azure ML workspace.",
    ),
    Route(
        "getAzureEndpoint", "GET", "azure/endpoint", "read",
        model_requests.CloudEndpointRequest, wire.EndpointInfo, model_routes.get_endpoint,
        "An endpoint of an Azure ML workspace as it is now, whoever made it.",
    ),
    Route(
        "writeEndpointKeys", "POST", "azure/endpoint/keys", "execute",
        model_requests.KeysRequest, wire.EndpointInfo, model_routes.write_keys,
        "Write the key of an endpoint in Azure into a private file; no answer holds a key.",
    ),
    Route(
        "changeCompute", "POST", "azure/compute", "execute",
        manage_routes.ComputeRequest, wire.AzureChange, manage_routes.change_compute,
        "Start, stop, restart or delete a compute of an Azure ML workspace.",
    ),
    Route(
        "getAccount", "GET", "azure/account", "read",
        account_routes.AccountRequest, wire.AccountReport, account_routes.account,
        "Who is signed in to Azure, and what was tried to find out.",
    ),
    Route(
        "listAzureWorkspaces", "GET", "azure/workspaces", "read",
        requests.NoFields, wire.WorkspacesSeen, account_routes.workspaces,
        "Azure ML workspaces that the account sees.",
    ),
    Route(
        "beginSignIn", "POST", "azure/signin/start", "execute",
        account_routes.BeginSignInRequest, wire.SignIn, account_routes.begin,
        "Begin a sign-in by hand; the answer has the code and the page to enter it.",
    ),
    Route(
        "getSignIn", "GET", "azure/signin", "read",
        account_routes.SignInRequest, wire.SignIn, account_routes.look,
        "How a sign-in stands.",
    ),
    Route(
        "cancelSignIn", "POST", "azure/signin/cancel", "execute",
        account_routes.SignInRequest, wire.SignIn, account_routes.cancel,
        "End a sign-in that waits for a person.",
    ),
    Route(
        "signOut", "POST", "azure/signin/out", "execute",
        requests.NoFields, wire.AccountReport, account_routes.out,
        "Forget the sign-ins that were made by hand.",
    ),
    Route(
        "listExperiments", "GET", "experiments", "read",
        requests.ExperimentsRequest, wire.ExperimentList, Service.experiments,
        "Experiments of a workspace.",
    ),
    Route(
        "listLiveRuns", "GET", "live", "read",
        requests.LiveRequest, wire.LiveRuns, Service.live,
        "Runs that are running, or ended within the last minute, newest first.",
    ),
    Route(
        "listRuns", "GET", "runs", "read",
        requests.RunsRequest, wire.RunPage, Service.runs,
        "A page of runs, newest first.",
    ),
    Route(
        "listRunColumns", "GET", "runs/columns", "read",
        run_requests.RunColumnsRequest, wire.RunColumns, run_routes.list_columns,
        "Metrics, parameters and tags that a list of runs can show, and which of them differ.",
    ),
    Route(
        "getRunDetails", "GET", "runs/details", "read",
        run_requests.RunDetailsRequest, wire.RunDetails, run_routes.get_details,
        "Several runs with their parameters, tags and newest metrics.",
    ),
    Route(
        "getRunDiff", "GET", "runs/diff", "read",
        run_requests.RunDiffRequest, wire.RunDiff, run_routes.get_diff,
        "What differs between two runs: parameters, metrics, source, environment.",
    ),
    Route(
        "tagRuns", "POST", "runs/tag", "write",
        run_requests.TagRunsRequest, wire.RunsChanged, run_routes.tag_runs,
        "Set a tag of runs, or take it away; a star is the tag mltrack.starred.",
    ),
    Route(
        "renameRun", "POST", "runs/rename", "write",
        run_requests.RenameRunRequest, wire.RunsChanged, run_routes.rename_run,
        "Give a run another name.",
    ),
    Route(
        "deleteRuns", "POST", "runs/delete", "write",
        run_requests.RunIdsRequest, wire.RunsChanged, run_routes.delete_runs,
        "Delete runs; they can be restored until the store is cleaned.",
    ),
    Route(
        "stopRun", "POST", "runs/stop", "execute",
        run_requests.StopRunRequest, wire.RunStopped, job_routes.stop_run,
        "Ask for the end of the job that works on a run, here or at a service.",
    ),
    Route(
        "restoreRuns", "POST", "runs/restore", "write",
        run_requests.RunIdsRequest, wire.RunsChanged, run_routes.restore_runs,
        "Bring deleted runs back.",
    ),
    Route(
        "getRun", "GET", "runs/{run_id}", "read",
        requests.RunRequest, wire.RunDetail, Service.run,
        "One run with its parameters and tags.",
    ),
    Route(
        "getSeries", "GET", "runs/{run_id}/series", "read",
        requests.SeriesRequest, wire.Series, Service.series,
        "Points of a run since a cursor, thinned to `max_points` a metric.",
    ),
    Route(
        "listMetrics", "GET", "runs/{run_id}/metrics", "read",
        run_requests.MetricTableRequest, wire.MetricTable, run_routes.list_metrics,
        "Metrics of a run in numbers: newest, minimum, maximum, mean.",
    ),
    Route(
        "getAbout", "GET", "runs/{run_id}/about", "read",
        run_requests.AboutRequest, wire.RunAbout, run_routes.get_about,
        "What a run remembers of how it was made, and the runs and models around it.",
    ),
    Route(
        "getRunView", "GET", "runs/{run_id}/output/view", "read",
        run_requests.AboutRequest, wire.RunView, run_routes.get_view,
        "A run as it stays in the output of its cell: a line, curves and a table.",
    ),
    Route(
        "getOutput", "GET", "runs/{run_id}/output", "read",
        run_requests.OutputRequest, wire.RunOutput, run_routes.get_output,
        "Lines that a run printed, since a cursor.",
    ),
    Route(
        "getPreview", "GET", "runs/{run_id}/artifacts/preview", "read",
        run_requests.PreviewRequest, wire.ArtifactPreview, artifact_routes.get_preview,
        "The head of one artifact as text, table or picture; nothing in it runs.",
    ),
    Route(
        "listArtifacts", "GET", "runs/{run_id}/artifacts", "read",
        requests.ArtifactsRequest, wire.ArtifactList, artifact_routes.list_artifacts,
        "Entries of a folder of a run's artifacts.",
    ),
    Route(
        "getArtifactFile", "GET", "runs/{run_id}/artifacts/file", "read",
        requests.ArtifactFileRequest, FileAnswer, artifact_routes.get_file,
        "One artifact as a download.",
    ),
    Route(
        "exportRun", "GET", "runs/{run_id}/export", "read",
        run_requests.ExportRequest, FileAnswer, export_routes.get_export,
        "A run as a file: its cells as a script, a notebook, or a page with its curves.",
    ),
    Route(
        "getArtifactView", "GET", "runs/{run_id}/artifacts/view", "read",
        run_requests.PreviewRequest, FileAnswer, artifact_routes.get_view,
        "An HTML page or SVG for a frame in which nothing runs and which fetches nothing.",
    ),
    Route(
        "sync", "POST", "sync", "write",
        requests.SyncRequest, wire.SyncReport, Service.sync,
        "Ship what waits in journals now; connects a workspace that only a project file names.",
    ),
    Route(
        "listModels", "GET", "models", "read",
        model_requests.ModelsRequest, wire.ModelPage, model_routes.list_models,
        "A page of registered models, the one changed last first.",
    ),
    Route(
        "getModel", "GET", "model", "read",
        model_requests.ModelRequest, wire.ModelInfo, model_routes.get_model,
        "One registered model with its versions.",
    ),
    Route(
        "getModelVersion", "GET", "model/version", "read",
        model_requests.ModelVersionRequest, wire.ModelVersionDetail, model_routes.get_version,
        "One version with its files, signature and input example; nothing is loaded.",
    ),
    Route(
        "registerModel", "POST", "models/register", "write",
        model_requests.RegisterRequest, wire.ModelVersionInfo, model_routes.register,
        "Make a run's model the next version of a registered model.",
    ),
    Route(
        "setAlias", "POST", "models/alias", "write",
        model_requests.AliasRequest, wire.ModelVersionInfo, model_routes.set_alias,
        "Point an alias at a version, or take it away.",
    ),
    Route(
        "setModelTag", "POST", "models/tag", "write",
        model_requests.ModelTagRequest, wire.ModelInfo, model_routes.set_tag,
        "Set a tag of a model or of one version.",
    ),
    Route(
        "describeModel", "POST", "models/describe", "write",
        run_requests.DescribeModelRequest, wire.ModelInfo, model_routes.describe,
        "Describe a model, or one version.",
    ),
    Route(
        "setStage", "POST", "models/stage", "write",
        run_requests.StageRequest, wire.ModelVersionInfo, model_routes.set_stage,
        "Move a version to a stage.",
    ),
    Route(
        "removeModel", "POST", "models/remove", "write",
        model_requests.RemoveModelRequest, wire.Removed, model_routes.remove_model,
        "Delete a model with its versions, or one version; its name has to be repeated.",
    ),
    Route(
        "listTargets", "GET", "targets", "read",
        requests.NoFields, wire.TargetList, model_routes.list_targets,
        "Places that models can be deployed to, with the forms of their options.",
    ),
    Route(
        "planDeploy", "POST", "deploy/plan", "write",
        model_requests.PlanRequest, wire.DeployPlan, model_routes.plan,
        "What a deploy would do and what would run; the files are copied here, nothing is loaded.",
    ),
    Route(
        "deploy", "POST", "deploy", "execute",
        model_requests.DeployRequest, wire.JobInfo, model_routes.deploy,
        "Start a deploy; the same key never makes a second one.",
    ),
    Route(
        "getJob", "GET", "deploy/job", "read",
        model_requests.JobRequest, wire.JobInfo, model_routes.get_job,
        "How a deploy stands.",
    ),
    Route(
        "listEndpoints", "GET", "endpoints", "read",
        requests.NoFields, wire.EndpointList, model_routes.list_endpoints,
        "Endpoints made from this machine, and deploys under way.",
    ),
    Route(
        "getEndpointLogs", "GET", "endpoints/logs", "read",
        model_requests.LogsRequest, wire.LogLines, model_routes.get_logs,
        "The last lines that an endpoint's replicas wrote.",
    ),
    Route(
        "monitorEndpoint", "GET", "endpoints/monitor", "read",
        model_requests.MonitorRequest, wire.MonitorReport, model_routes.monitor,
        "Requests, errors, latency and prediction mix of an endpoint over time.",
    ),
    Route(
        "setTraffic", "POST", "endpoints/traffic", "write",
        model_requests.TrafficRequest, wire.EndpointInfo, model_routes.set_traffic,
        "Share the requests out over the versions behind an endpoint.",
    ),
    Route(
        "stopEndpoint", "POST", "endpoints/stop", "write",
        model_requests.EndpointRequest, wire.EndpointInfo, model_routes.stop,
        "End the processes of an endpoint; name, address and token are kept.",
    ),
    Route(
        "startEndpoint", "POST", "endpoints/start", "execute",
        model_requests.EndpointRequest, wire.EndpointInfo, model_routes.start,
        "Start a stopped endpoint again.",
    ),
    Route(
        "removeEndpoint", "POST", "endpoints/remove", "write",
        model_requests.RemoveEndpointRequest, wire.Removed, model_routes.remove_endpoint,
        "Delete an endpoint, or one version behind it; its name has to be repeated.",
    ),
    Route(
        "predict", "POST", "endpoints/predict", "execute",
        model_requests.PredictRequest, wire.Prediction, model_routes.predict,
        "Ask an endpoint; the server adds the token.",
    ),
    Route(
        "checkDrift", "POST", "endpoints/drift", "write",
        model_requests.DriftRequest, wire.DriftReport, model_routes.check_drift,
        "Compare what an endpoint was asked with its model's training data; kept as a run.",
    ),
    Route(
        "listJobs", "GET", "jobs", "read",
        job_routes.JobsRequest, wire.JobList, job_routes.list_jobs,
        "Cells and scripts that run elsewhere or did, newest first.",
    ),
    Route(
        "getJobLog", "GET", "jobs/log", "read",
        job_routes.JobLogRequest, wire.JobText, job_routes.get_log,
        "What a job printed, from a position on.",
    ),
    Route(
        "listBackends", "GET", "jobs/backends", "read",
        requests.NoFields, wire.JobBackends, job_routes.list_backends,
        "Where jobs can run, with the forms of their options.",
    ),
    Route(
        "planJob", "POST", "jobs/plan", "write",
        job_routes.PlanJobRequest, wire.CodeSnapshot, job_routes.plan,
        "The files that would go along with a script; nothing is sent.",
    ),
    Route(
        "submitJob", "POST", "jobs/submit", "execute",
        job_routes.SubmitJobRequest, wire.SubmittedJob, job_routes.submit,
        "Submit a script; the same key never makes a second job.",
    ),
    Route(
        "followJobs", "POST", "jobs/follow", "write",
        job_routes.FollowRequest, wire.JobList, job_routes.follow,
        "Have jobs at services followed again that nobody follows.",
    ),
    Route(
        "cancelJob", "POST", "jobs/cancel", "execute",
        job_routes.SubmittedJobRequest, wire.SubmittedJob, job_routes.cancel,
        "Ask for a job's end.",
    ),
    Route(
        "removeJob", "POST", "jobs/remove", "write",
        job_routes.RemoveJobRequest, wire.Removed, job_routes.remove,
        "Forget a job that has ended; its run stays. Its name has to be repeated.",
    ),
)  # fmt: skip
