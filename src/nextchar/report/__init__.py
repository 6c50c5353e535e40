"""The report: a run as one HTML page.

Read in this order; a module imports only from those before it:

- `markup`: pieces of HTML; every text in a page passes through here and is escaped.
- `temperature_effect`: the effect of temperature on one real prediction, for any Network.
- `curves`: the learning curves, which a script in the page draws, and their figures as a table.
- `surprise`: a text coloured by surprise, as a page of its own.
- `comparison`: runs beside each other, as a page of its own.
- `sections`: the sections that show the model at work: its samples, a prediction, and what it copied.
- `lists`: the section about lists: what the model writes beside the list that it learned from.
- `page`: the whole page, in a single file.
"""
