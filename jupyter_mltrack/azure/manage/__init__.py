"""Azure ML workspaces looked after: workspaces, computes, data, environments, groups.

Plain calls of the resource manager; no SDK is imported. Nothing here asks a person: who calls
says what is deleted, or what will cost money, before.
"""
