"""Reading and writing files: never half written, never silently damaged.

Read in this order; a module imports only from those before it:

- `atomic_file`: write a file completely or not at all.
- `format_version`: the format number of a file, checked when the file is read.
- `tensor_file`: arrays and a JSON header in one safetensors file, with a checksum over both.
- `half_floats`: weights that are float16 on disk, where they fit, and float32 in memory.
- `regular_file`: open regular files up to a size limit; refuse pipes, devices and larger files.
- `file_size`: describe file sizes in words.
- `cache_entry`: the folders of a cache: built under a temporary name, then renamed, and rebuilt if they are damaged.
"""
