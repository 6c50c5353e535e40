"""A run as one HTML page.

Read in this order; a module imports only from those before it:

- `markup`: pieces of HTML: every text that goes into a page passes through here and is escaped.
- `temperature_effect`: what temperature does to one real prediction, for any Network.
- `figures`: the learning curves as an SVG picture that takes its colours and fonts from the page it stands in.
- `exhibits`: what a report shows of a model at work, as HTML: its samples, one of its predictions, what it copied.
- `page`: the report: a run as one HTML page that needs nothing else, for the eyes of whoever trained it.
"""
