"""The door for browsers and programs: the page to play with, and an API over HTTP.

Read in this order; a module imports only from those before it:

- `responses`: answers in JSON.
- `errors`: answers that say no: what was given, what is allowed, and what to do next, in the shape that clients of
  OpenAI know.
- `schemas`: what requests to our own API hold, and what is answered. Options are those of `nextchar.settings`, checked
  there.
- `openai_schemas`: what a request to /v1/completions holds, as OpenAI's clients send it, and what is answered.
- `model_registry`: the models that are served, each loaded once and, where its file changes, again.
- `scheduler`: so many requests are worked for at once, so many wait, and none takes longer than it may.
- `metrics`: what is counted while the server runs, for Prometheus and whatever else reads its text format.
- `middleware`: what every request passes on its way in, and every answer on its way out: counting, headers, host
  and key.
- `body_reading`: the body of a request: so many bytes, in JSON that is neither deep nor long, and nothing but what
  may be asked for.
- `service`: what all routes share: the models, whose turn it is, the limits, and what is counted.
- `event_stream`: answers that are sent while they are written: server-sent events.
- `prediction`: the answers of /api/distribution and /api/score: the next character, and the bits that a text takes.
- `completions`: the texts that a request to /v1/completions asks for, chunk by chunk, and their sum.
- `native_routes`: our own API: /api/models, /api/generate, /api/distribution, /api/score, /api/history.
- `openai_routes`: the API as OpenAI's clients speak it: /v1/completions and /v1/models.
- `page_routes`: what is there for people and their tools besides the API: the page, the page of the API, health and
  metrics.
- `unknown_routes`: requests for what is not there: the answer names what is.
- `app`: the application: every route, behind its guards.
- `listening`: taking in connections: as many as there are descriptors for, and none for a moment where there are no
  more.
- `framing`: where a request ends: told by one header, in one way.
- `connection`: A connection to a client, with an end for everything that the client could let it wait for.
- `server`: the server: a port, a thread that answers on it, and an orderly end.
"""
