export { run } from './explain/command.js';
