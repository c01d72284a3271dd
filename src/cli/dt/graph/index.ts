/** What `gpuvm dt analyze` found, as a picture. */
export { drawDot } from './dot.js';
export { type Graph, graphOf } from './graph.js';
export { drawSvg } from './svg.js';
