"""The door for browsers and programs: the page to play with, and an API over HTTP.

Read in this order; a module imports only from those before it:

- `responses`: responses in JSON.
- `errors`: error responses: what was given, what is allowed, and what to do next, in the shape that OpenAI's clients
  know.
- `schemas`: requests and responses of our own API, with the options of `nextchar.settings`.
- `openai_schemas`: requests to /v1/completions, as OpenAI's clients send them, and the responses.
- `model_registry`: the models that are served: each is loaded once, and again when its file changes.
- `scheduler`: how many requests are processed at once, how many wait, and how long each may take.
- `metrics`: what the server counts while it runs, in the text format of Prometheus.
- `middleware`: what every request and response passes through: metrics, security headers, host and key.
- `body_reading`: reads the body of a request: JSON of limited size that holds only known options.
- `listing`: responses of /api/list: entries like those of the training list.
- `service`: what all routes share: models, schedulers, limits and metrics.
- `event_stream`: responses that are sent while they are written: server-sent events.
- `prediction`: responses of /api/distribution, /api/score and /api/who: the next character, the bits of a text, and its
  author.
- `completions`: the texts of a request to /v1/completions: chunk by chunk, or joined.
- `native_routes`: our own API: /api/models, /api/generate, /api/distribution, /api/score, /api/who, /api/list,
  /api/history.
- `openai_routes`: the API as OpenAI's clients speak it: /v1/completions and /v1/models.
- `page_routes`: the routes besides the API: the page, the API's documentation, health, readiness and metrics.
- `unknown_routes`: error responses for unknown paths and wrong methods.
- `app`: the application: all routes behind the middleware.
- `listening`: accepts connections, as many as there are file descriptors.
- `framing`: where a request ends: exactly one header says so.
- `connection`: a connection to a client, with a time limit for everything that the client can delay.
- `server`: the server: a port, a thread that answers on it, and an orderly shutdown.
"""
