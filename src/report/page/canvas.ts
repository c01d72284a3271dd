/** A canvas as large as its place, drawn in CSS pixels. */
export class Canvas {
  readonly element: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  width = 0;
  height = 0;
  ratio = 1;

  constructor(label: string, onResize: () => void) {
    this.element = document.createElement('canvas');
    this.element.setAttribute('role', 'img');
    this.element.setAttribute('aria-label', label);
    this.context = this.element.getContext('2d')!;
    new ResizeObserver(() => {
      this.#fit();
      onResize();
    }).observe(this.element);
  }

  /** Empties it. */
  clear(): CanvasRenderingContext2D {
    const { context, ratio } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    return context;
  }

  #fit(): void {
    const { element } = this;
    const { clientWidth, clientHeight } = element;
    this.ratio = window.devicePixelRatio || 1;
    this.width = clientWidth;
    this.height = clientHeight;
    element.width = Math.max(1, Math.round(clientWidth * this.ratio));
    element.height = Math.max(1, Math.round(clientHeight * this.ratio));
  }
}
