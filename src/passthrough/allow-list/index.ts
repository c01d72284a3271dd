/** What a VM with given devices must be let ask of the BPMP, as a policy and as the host driver's own lists. */
export { type AllowEntry, type AllowList, allowListOf } from './allow-list.js';
export {
  type Comparison,
  compareAllowed,
  isEqual,
  type Named,
  type Present,
  presentInNode,
  presentInPolicy,
} from './compare.js';
export { type AskParents, closeOverParents } from './parents.js';
export { policyText, rightOf } from './policy-text.js';
export { allowedProperties, allowedProperty, allowedSource } from './properties.js';
