"""The one package that knows Azure: how to sign in, where a workspace is, and how to ask it.

Nothing here is imported before somebody names an Azure workspace, and no SDK is imported by
importing it. Background work never prompts: who must sign in is told so by `errors.SignedOut`.
"""
