"""Files on disk that are never half written and never silently damaged.

Read in this order; a module imports only from those before it:

- `atomic_file`: write a file so that it is either as it was or whole.
- `format_version`: the number of a file's format, checked when it is read.
- `tensor_file`: arrays and a JSON header in one safetensors file, with a checksum over both.
- `regular_file`: files whose content ends: what is opened is a regular file and no larger than it may be, or it is
  not read at all.
- `file_size`: sizes of files in words.
- `cache_entry`: entries of a cache: folders that are made under a temporary name, renamed, and made again where they
  are damaged.
"""
