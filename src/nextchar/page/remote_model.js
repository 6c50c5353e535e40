'use strict';
// A model on the server that this page came from. LocalModel is its counterpart in an exported page.

import { language, say } from './language.js';

/** An error whose message is for the reader. */
export class PageError extends Error {}

/** The server did not answer as it should; `status` is the HTTP status, 0 without a response. */
class ServerError extends PageError {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** The path that the page was served under, with a final "/": behind a proxy it need not be the root. */
export const BASE = location.pathname.replace(/\/?$/, '/');

/** Requests to the server; keeps the API key as long as the tab is open. */
export class Server {
  /** `patience`: seconds after which a request without a response is given up. */
  constructor(patience) {
    this.patience = patience;
    this.key = remembered(sessionStore, `nextchar.key ${BASE}`);
  }

  useKey(key) {
    this.key = key;
    remember(sessionStore, `nextchar.key ${BASE}`, key);
  }

  /** Request `path`, with `body`, if any, as JSON; throw error responses as ServerError. */
  async ask(path, body, signal) {
    const headers = {};
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    if (body) headers['Content-Type'] = 'application/json';
    const request = new AbortController();
    const giveUp = () => request.abort();
    if (signal?.aborted) giveUp();
    signal?.addEventListener('abort', giveUp);
    const timer = setTimeout(giveUp, 1000 * this.patience);
    /** @type {RequestInit} */
    const options = { method: body ? 'POST' : 'GET', headers, signal: request.signal, cache: 'no-store' };
    if (body) options.body = JSON.stringify(body);
    let response;
    try {
      response = await fetch(BASE + path, options);
    } catch (error) {
      throw signal?.aborted ? error : new ServerError(say('lost'));
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return response;
    const text = await response.text().catch(() => '');
    throw refusal(response.status, parsed(text)?.error);
  }

  async json(path, body, signal) {
    const response = await this.ask(path, body, signal);
    let text;
    try {
      text = await response.text();
    } catch (error) {
      throw error.name === 'AbortError' ? error : new ServerError(say('lost'));
    }
    const answer = parsed(text);
    if (answer === null) throw new ServerError(say('notUnderstood'), response.status);
    return answer;
  }

  async models() {
    return (await this.json('api/models')).models;
  }
}

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What to show for an error code of a nextchar server, or for a status of a proxy before it. */
const ADVICE = {
  too_long: 'tooLong', timeout: 'outOfTime', overloaded: 'busy', stopping: 'lost', model_not_found: 'notThere',
  401: 'keyWanted', 404: 'notThere', 408: 'outOfTime', 413: 'tooLong', 429: 'busy', 502: 'lost', 503: 'busy', 504: 'outOfTime',
};

/** The error for an error response; `error`, from a nextchar server, is {message, code}, in English. */
function refusal(status, error) {
  const message = typeof error?.message === 'string' ? error.message : '';
  if (message && language === 'en') return new ServerError(message, status);
  const advice = ADVICE[error?.code] ?? (message && status === 503 ? undefined : ADVICE[status]);
  if (advice) return new ServerError(say(advice), status);
  if (message) return new ServerError(say('refused', { message }), status);
  return new ServerError(say(status >= 500 ? 'serverMistake' : 'notUnderstood'), status);
}

/** Yield the `data:` of each server-sent event of a response, parsed. */
async function* events(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let held = '';
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw error.name === 'AbortError' ? error : new ServerError(say('brokeOff'));
      });
      held += decoder.decode(value, { stream: !done });
      const blocks = held.split(/\r?\n\r?\n/);
      held = blocks.pop();
      for (const block of blocks) {
        const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
        const event = parsed(lines.map((line) => line.slice(5)).join('\n'));
        if (lines.length && event === null) throw new ServerError(say('notUnderstood'), response.status);
        if (lines.length) yield event;
      }
      if (done) return;
    }
  } finally {
    // Ending the reading ends the writing: the server sees the connection close.
    reader.cancel().catch(() => {});
  }
}

/** A model behind the API, with the interface of LocalModel. */
export class RemoteModel {
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
      if (event.error) throw refusal(500, event.error);
      if (event.done) {
        const { seed, finish_reason, replacements, copied } = event;
        return { seed, finish_reason, replacements, copied };
      }
      yield event.text;
    }
    throw new ServerError(say('brokeOff'));
  }

  score(text, alternatives = 5) {
    return this.server.json('api/score', { model: this.info.id, text, alternatives });
  }

  /** A list of entries: {entries, drawn, refused, shortfall}. */
  list(options, signal) {
    return this.server.json('api/list', { model: this.info.id, ...options }, signal);
  }

  async history() {
    if (!this.info.has_history) return null;
    try {
      return await this.server.json(`api/history?model=${encodeURIComponent(this.info.id)}`);
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }
}

/** A storage of the browser; null if forbidden, and then nothing is remembered. */
function storage(name) {
  try {
    return window[name];
  } catch {
    return null;
  }
}

export const sessionStore = storage('sessionStorage');
export const localStore = storage('localStorage');

export function remembered(store, key) {
  return store?.getItem(key) ?? '';
}

export function remember(store, key, value) {
  try {
    store?.setItem(key, value);
  } catch {
    // With a full or forbidden storage, the page only forgets.
  }
}
