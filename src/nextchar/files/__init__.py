"""Files on disk that are never half written and never silently damaged.

Read in this order; a module imports only from those before it:

- `atomic_file`: write a file so that it is either as it was or whole.
- `format_version`: the number of a file's format, checked when it is read.
- `tensor_file`: arrays and a JSON header in one safetensors file, with a checksum over both.
"""
