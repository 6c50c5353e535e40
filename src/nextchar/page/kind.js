'use strict';
// The kind of the entry under the cursor, where the model learned a list with a label before each entry.

/** What stands between a label and its entry, as in nextchar/text/labels.py. */
const AFTER_LABEL = '\t';

/** A field that shows the label at the beginning of the line with the cursor, and changes it. */
export class Kind {
  /** @param {{ sheet: import('./sheet.js').Sheet }} parts */
  constructor({ sheet }) {
    this.sheet = sheet;
    this.field = document.getElementById('kind-field');
    this.chosen = document.getElementById('kind');
    this.any = this.chosen.options[0];
    this.chosen.addEventListener('change', () => this.write());
  }

  /** Offer the `labels` of a model; without any the field is hidden. */
  offer(labels = []) {
    this.field.hidden = labels.length === 0;
    this.chosen.replaceChildren(this.any, ...labels.map((label) => new Option(label, label)));
    this.show();
  }

  /** Where the line with the cursor begins, and the label there: '' where there is none that is known. */
  line() {
    const { value, cursor } = this.sheet;
    const start = value.lastIndexOf('\n', cursor - 1) + 1;
    const written = value.slice(start).split(AFTER_LABEL, 1)[0];
    const known = Array.from(this.chosen.options, ({ value: label }) => label);
    return { start, label: known.includes(written) && value[start + written.length] === AFTER_LABEL ? written : '' };
  }

  /** Show the label of the line with the cursor. */
  show() {
    if (!this.field.hidden) this.chosen.value = this.line().label;
  }

  /** Write the chosen label before the entry on the line with the cursor, in place of the one that is there. */
  write() {
    if (this.sheet.streaming) {
      this.show();
      return;
    }
    const { start, label } = this.line();
    const { cursor } = this.sheet;
    const [before, after] = [label, this.chosen.value].map((text) => (text === '' ? '' : text + AFTER_LABEL));
    this.sheet.replace(start, start + before.length, after);
    this.sheet.cursor = Math.max(start, cursor - before.length) + after.length;
    this.sheet.changed();
  }
}
