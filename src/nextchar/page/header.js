'use strict';
// The head of the page: the model, its texts, quality and size; theme and language.

import { localStore, remember, remembered } from './remote_model.js';
import { bitsPerCharacter, duration, language, say } from './language.js';
import { recipeCommand, recipeHash } from './settings.js';

/** Show the facts about a model. */
export function introduce(info) {
  const find = (id) => document.getElementById(id);
  find('name').textContent = info.name;
  document.title = `${info.name} · nextchar`;
  const within = info.seconds ? say('within', { time: duration(info.seconds) }) : '';
  const named = info.corpus.slice(0, 3).map((name) => `\u2068${name}\u2069`);
  if (info.corpus.length > 3) named.push(say('andMore', { count: info.corpus.length - 3 }));
  const corpus = named.join(say('listJoin'));
  const started = info.started_from ? say('startedFrom', { model: `\u2068${info.started_from}\u2069` }) : '';
  find('lead').textContent = named.length ? say('lead', { corpus }) + started + within : say('leadNone');
  const memory = info.context_length ? say('window', { count: info.context_length }) : say('remembers');
  const known = ['characters', 'jamo'].includes(info.tokens) ? info.characters.length : info.vocabulary_size;
  const facts = [
    [Number.isFinite(info.bits_per_character) ? bitsPerCharacter(info.bits_per_character) : null, say('factBits'), 'bits'],
    [known.toLocaleString(language), say('factCharacters') + (info.lowercase ? say('lowercase') : '')],
    [info.hidden.map((units) => units.toLocaleString(language)).join(' + ') || null, say('factUnits')],
    [info.parameters.toLocaleString(language), say('factParameters')],
    [memory, say('factMemory')],
  ].filter(([value]) => value !== null);
  find('facts').replaceChildren(...facts.map(([value, what, kind = '']) => {
    const group = document.createElement('div');
    group.className = kind;
    const [term, figure] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = what;
    figure.textContent = value;
    group.append(term, figure);
    return group;
  }));
}

/** Light or dark: as the system is set, until the reader chooses. */
export class Theme {
  constructor() {
    this.button = document.getElementById('theme');
    this.system = matchMedia('(prefers-color-scheme: dark)');
    this.chosen = remembered(localStore, 'nextchar.theme');
    this.button.addEventListener('click', () => {
      this.chosen = this.dark ? 'light' : 'dark';
      remember(localStore, 'nextchar.theme', this.chosen);
      this.show();
    });
    this.system.addEventListener('change', () => this.show());
    this.show();
  }

  get dark() {
    return this.chosen ? this.chosen === 'dark' : this.system.matches;
  }

  show() {
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
    this.button.dataset.say = this.dark ? 'light' : 'dark';
    this.button.textContent = say(this.button.dataset.say);
  }
}

/** Views, one of them shown; arrow keys move between their tabs. `opened(id)` is called when one is opened. */
export class Tabs {
  constructor(opened) {
    this.opened = opened;
    this.list = [...document.querySelectorAll('[role=tab]')];
    for (const tab of this.list) {
      tab.addEventListener('click', () => this.open(tab));
      tab.addEventListener('keydown', (event) => this.move(event));
    }
  }

  open(tab) {
    for (const other of this.list) {
      const chosen = other === tab;
      other.setAttribute('aria-selected', String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute('aria-controls')).hidden = !chosen;
    }
    this.opened(tab.getAttribute('aria-controls'));
  }

  move(event) {
    const shown = this.list.filter((tab) => !tab.hidden);
    const here = shown.indexOf(event.currentTarget);
    const places = { ArrowRight: here + 1, ArrowLeft: here - 1 + shown.length, Home: 0, End: shown.length - 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    const tab = shown[places[event.key] % shown.length];
    tab.focus();
    this.open(tab);
  }
}

/** Show how to reproduce a text: a command for the model in `file`, with a `hint` where to run it; settings; an address. */
export function showRecipe(recipe, file, hint) {
  const address = String(new URL(recipeHash(recipe), location.href));
  const parts = [['command', recipeCommand(recipe, file), hint], ['json', JSON.stringify(recipe, null, 2)], ['address', address]];
  document.getElementById('copies').replaceChildren(...parts.map(([key, text, note]) => {
    const block = document.createElement('div');
    const heading = document.createElement('h3');
    heading.textContent = say(key);
    const copy = document.createElement('button');
    copy.type = 'button';
    copy.textContent = say('copy');
    copy.setAttribute('aria-label', `${say('copy')}: ${say(key)}`);
    const code = document.createElement('pre');
    code.tabIndex = 0;
    code.setAttribute('role', 'group');
    code.setAttribute('aria-label', say(key));
    code.textContent = text;
    copy.addEventListener('click', async () => {
      await copyText(text, code);
      copy.textContent = say('copied');
    });
    block.append(heading, copy, code);
    if (note) {
      const line = document.createElement('p');
      line.className = 'note';
      line.textContent = note;
      block.append(line);
    }
    return block;
  }));
  document.getElementById('recipe-dialog').showModal();
}

/** Put `text` on the clipboard; `element` shows it. */
export async function copyText(text, element) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where a page may not use the clipboard (http from another machine), copying the selection still works.
    getSelection().selectAllChildren(element);
    document.execCommand('copy');
  }
}
