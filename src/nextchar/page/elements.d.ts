// For the type checker only.

type PageModel = import('./local_model.js').LocalModel | import('./remote_model.js').RemoteModel;

/** The range of a number, as JSON Schema has it. */
type NumberRange = {
  type: string, minimum?: number, exclusiveMinimum?: number, maximum?: number, exclusiveMaximum?: number,
  default?: number | null,
};

// The checker does not read page.html, so it cannot know what an id or a selector finds.

interface Document {
  getElementById(elementId: string): any;
}

interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
