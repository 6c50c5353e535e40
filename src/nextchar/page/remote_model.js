'use strict';
// A model on the server that this page came from. Its twin in the exported page is LocalModel.

/** An answer that is no answer: what the server said is wrong, with its HTTP status; 0 where it said nothing. */
class ServerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The server, as far as the page asks it; it keeps the API key for as long as the tab lives. */
class Server {
  constructor() {
    this.key = remembered(sessionStore, 'nextchar.key');
  }

  useKey(key) {
    this.key = key;
    remember(sessionStore, 'nextchar.key', key);
  }

  /** Ask for `path`, with `body` as JSON where there is one; answers that are errors are thrown as ServerError. */
  async ask(path, body, signal) {
    const headers = {};
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    if (body) headers['Content-Type'] = 'application/json';
    const options = { method: body ? 'POST' : 'GET', headers, signal, cache: 'no-store' };
    if (body) options.body = JSON.stringify(body);
    let response;
    try {
      response = await fetch(path, options);
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new ServerError(say('lost', { message: error.message }), 0);
    }
    if (response.ok) return response;
    const text = await response.text();
    throw new ServerError(messageOf(text) ?? `HTTP ${response.status}`, response.status);
  }

  async json(path, body, signal) {
    return (await this.ask(path, body, signal)).json();
  }

  async models() {
    return (await this.json('api/models')).models;
  }
}

function messageOf(text) {
  try {
    return JSON.parse(text).error.message;
  } catch {
    return null;
  }
}

/** Yield the `data:` of each server-sent event of a response, parsed. */
async function* events(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let held = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      held += decoder.decode(value, { stream: !done });
      const blocks = held.split(/\r?\n\r?\n/);
      held = blocks.pop();
      for (const block of blocks) {
        const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
        if (lines.length) yield JSON.parse(lines.map((line) => line.slice(5)).join('\n'));
      }
      if (done) return;
    }
  } finally {
    // Who stops reading stops the writing: the server sees the connection close.
    reader.cancel().catch(() => {});
  }
}

/** A model behind the API, with the interface of LocalModel. */
class RemoteModel {
  constructor(info, server) {
    this.info = info;
    this.server = server;
  }

  distribution(prompt, settings) {
    const { temperature, top_k, top_p, min_p, limit } = settings;
    const body = { model: this.info.id, prompt, temperature, top_k, top_p, min_p };
    return this.server.json('api/distribution', limit === undefined ? body : { ...body, limit });
  }

  async *generate(prompt, settings, signal) {
    const { stream: index = 0, ...options } = settings;
    const body = { model: this.info.id, prompt, ...options, index, stream: true };
    const response = await this.server.ask('api/generate', body, signal);
    for await (const event of events(response)) {
      if (event.error) throw new ServerError(event.error.message, response.status);
      if (event.done) {
        const { seed, finish_reason, replacements } = event;
        return { seed, finish_reason, replacements };
      }
      yield event.text;
    }
    throw new ServerError(say('lost', { message: 'the text broke off' }), 0);
  }

  score(text, alternatives = 5) {
    return this.server.json('api/score', { model: this.info.id, text, alternatives });
  }

  async growth() {
    if (!this.info.has_growth) return null;
    try {
      return await this.server.json(`api/growth?model=${encodeURIComponent(this.info.id)}`);
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }
}

/** Storage of the browser, which may be forbidden: then nothing is remembered. */
function storage(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

const sessionStore = storage('sessionStorage');
const localStore = storage('localStorage');

function remembered(store, key) {
  return store?.getItem(key) ?? '';
}

function remember(store, key, value) {
  try {
    store?.setItem(key, value);
  } catch {
    // A full or forbidden storage only means that the page forgets.
  }
}
