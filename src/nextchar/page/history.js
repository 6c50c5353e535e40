'use strict';
// The history of a run: what the model wrote at each evaluation, also live while it trains.

import { bitsPerCharacter, duration, fixed, say } from './language.js';
import { writtenBlock } from './choices.js';
import { learningCurve } from './curve.js';

/** Milliseconds between two requests during training, and between two moments when playing. */
export const POLL = 2000;
const FRAME = 900;

export class RunHistory {
  /** @param {{ model: () => PageModel, learned: () => void, tell: (message: any) => void }} parts */
  constructor({ model, learned, tell }) {
    this.model = model;
    this.learned = learned;
    this.tell = tell;
    const find = (id) => document.getElementById(id);
    this.tab = find('tab-history');
    this.curve = find('curve');
    this.slider = find('moment');
    this.facts = find('moment-facts');
    this.samples = find('samples');
    this.excerpts = find('excerpts');
    this.playButton = find('play');
    this.cards = [];
    this.moment = 0;
    this.playing = 0;
    this.polling = 0;
    this.failing = false;
    this.slider.addEventListener('input', () => {
      this.pause();
      this.go(this.slider.valueAsNumber);
    });
    this.curve.addEventListener('click', (event) => {
      this.pause();
      this.go(this.curve.firstElementChild.at(event.clientX - this.curve.getBoundingClientRect().left));
    });
    this.playButton.addEventListener('click', () => (this.playing ? this.pause() : this.play()));
    new ResizeObserver(() => this.draw()).observe(this.curve);
  }

  /** Ask for the history of the current model; show the tab if it has one. */
  async open() {
    clearTimeout(this.polling);
    this.pause();
    this.record = null;
    this.record = await this.model().history();
    this.tab.hidden = this.record === null;
    if (this.record === null) return;
    this.moment = Math.max(0, this.record.evaluations.length - 1);
    this.draw();
    this.poll();
  }

  /** While the model learns, ask every two seconds; a reader at the newest moment stays at the newest. */
  poll() {
    clearTimeout(this.polling);
    if (!this.record || this.record.finished) return;
    const model = this.model();
    this.polling = setTimeout(async () => {
      try {
        const record = await model.history();
        if (model.info.id !== this.model().info.id || !record) return;
        const before = this.record.evaluations.length;
        const atEnd = this.moment >= before - 1;
        this.record = record;
        const count = record.evaluations.length;
        if (atEnd && !this.playing) this.moment = Math.max(0, count - 1);
        this.moment = Math.min(this.moment, Math.max(0, count - 1));
        this.draw();
        if (count !== before || record.finished) await this.learned();
        if (this.failing) this.tell('');
        this.failing = false;
      } catch (error) {
        this.failing = true;
        this.tell(error);
      }
      this.poll();
    }, POLL);
  }

  go(moment) {
    this.moment = moment;
    this.draw();
  }

  play() {
    const last = this.record.evaluations.length - 1;
    if (this.moment >= last) this.go(0);
    this.playButton.textContent = say('pause');
    this.playing = setInterval(() => {
      if (this.moment >= this.record.evaluations.length - 1) this.pause();
      else this.go(this.moment + 1);
    }, FRAME);
  }

  pause() {
    clearInterval(this.playing);
    this.playing = 0;
    this.playButton.textContent = say('play');
  }

  draw() {
    const evaluations = this.record?.evaluations ?? [];
    this.playButton.textContent = say(this.playing ? 'pause' : 'play');
    this.playButton.disabled = this.slider.disabled = evaluations.length < 2;
    const evaluation = evaluations[this.moment];
    this.drawExcerpts(evaluations);
    if (!evaluation) {
      this.curve.replaceChildren();
      this.samples.replaceChildren();
      this.cards = [];
      this.facts.textContent = say('waitingHistory');
      return;
    }
    this.slider.max = String(evaluations.length - 1);
    this.slider.value = String(this.moment);
    const epoch = fixed(evaluation.epoch, 1);
    this.slider.setAttribute('aria-valuetext', say('momentShort', { epoch, bits: shownBits(evaluation) }));
    const facts = say('momentFacts', { epoch, time: duration(evaluation.seconds), bits: shownBits(evaluation) });
    this.facts.textContent = facts + (evaluation.best ? say('best') : '') + (this.record.finished ? '' : say('live'));
    this.drawCurve(evaluations);
    this.drawSamples(evaluation);
  }

  drawCurve(evaluations) {
    const width = this.curve.clientWidth;
    if (width === 0) return;
    const label = say('curve', { first: shownBits(evaluations[0]), last: shownBits(evaluations.at(-1)) });
    const words = { label, x: say('epochs'), y: say('bitsPerCharacter') };
    const height = width < 520 ? 220 : 280;
    this.curve.replaceChildren(learningCurve(evaluations, { width, height, words, moment: this.moment }));
  }

  /** Add a note if the curve's figures are of excerpts and the one at the top of the page is of more text. */
  drawExcerpts(evaluations) {
    const bits = this.model()?.info.bits_per_character;
    const figure = Number.isFinite(bits) ? bitsPerCharacter(bits) : '';
    const figures = evaluations.map(({ validation_bits: value }) => (Number.isFinite(value) ? bitsPerCharacter(value) : ''));
    this.excerpts.hidden = !this.record?.finished || figure === '' || figures.includes(figure);
    this.excerpts.textContent = this.excerpts.hidden ? '' : say('excerpts', { bits: figure });
  }

  /** Show the texts of one evaluation, by temperature. The cards stay; only their content changes. */
  drawSamples(evaluation) {
    // A long run keeps the texts of only some evaluations: show the latest up to this moment.
    const earlier = this.record.evaluations.slice(0, this.moment + 1).findLast(({ samples }) => samples.length > 0);
    const { samples } = earlier ?? evaluation;
    const wanted = samples.map((sample) => say('temperatureIn', { value: fixed(sample.temperature, 1) }));
    if (this.cards.map((card) => card.label).join('|') !== wanted.join('|')) {
      this.cards = wanted.map((label) => sampleCard(label));
      this.samples.replaceChildren(...this.cards.map((card) => card.element));
    }
    if (samples.length === 0) this.samples.textContent = say('noSamples');
    samples.forEach((sample, number) => {
      this.cards[number].prompt.textContent = this.record.prompt;
      this.cards[number].text.data = sample.text;
    });
  }
}

/** The figure shown for an evaluation: that of the held-out text, if there is one. */
function shownBits(evaluation) {
  const bits = evaluation.validation_bits ?? evaluation.training_bits;
  return Number.isFinite(bits) ? bitsPerCharacter(bits) : '–';
}

function sampleCard(label) {
  const element = document.createElement('article');
  element.className = 'card';
  const heading = document.createElement('h3');
  heading.textContent = label;
  const prompt = document.createElement('span');
  prompt.className = 'prompt';
  const text = document.createTextNode('');
  element.append(heading, writtenBlock(label, prompt, text));
  return { label, element, prompt, text };
}
