"""A run as one HTML page.

Read in this order; a module imports only from those before it:

- `markup`: pieces of HTML: every text that goes into a page passes through here and is escaped.
- `temperature_effect`: what temperature does to one real prediction, for any Network.
- `curves`: the learning curves, which the script of the page draws, and their figures as a table.
- `sections`: the sections that show the model at work: its samples, one of its predictions, what it copied.
- `page`: the whole page, which needs no other file.
"""
