export { type Addon, addon } from './addon.js';
