import * as z from 'zod';
import { vmFileSchema } from './schema/index.js';

/**
 * The JSON Schema of a VM file as it is written, for editors: draft 7, which all of them know. It says what each key
 * may be; what does not go together only gpuvm itself tells.
 */
export function vmFileJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(vmFileSchema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return {
    $schema: schema.$schema,
    title: 'A VM file of gpuvm',
    ...schema,
  };
}
