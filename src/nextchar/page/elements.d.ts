// For the type checker alone.

type PageModel = import('./local_model.js').LocalModel | import('./remote_model.js').RemoteModel;

// Which element an id or a selector finds is in page.html, which it does not read.

interface Document {
  getElementById(elementId: string): any;
}

interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
