"""What happens between a call in the user's cell and the journal; each module is one noun of it.

`context` says which run a call means, `book` writes it down, `point` is the fast call, `store`,
`lazy` and `front` stand where MLflow's own store and functions stood, `attach` puts them there and
takes them away. Nothing is imported here: loading the extension passes through this package.
"""
