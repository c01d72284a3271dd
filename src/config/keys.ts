import * as z from 'zod';
import type { KeyPath } from './document.js';

/** The schema without what only says what happens when the value is absent. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodPipe
  ) {
    inner = inner instanceof z.ZodPipe ? inner.def.in : inner.def.innerType;
  }
  return inner;
}

function optionFor(union: z.ZodDiscriminatedUnion, value: unknown): z.core.$ZodType | undefined {
  const discriminator = union.def.discriminator;
  const kind = (value as Record<string, unknown> | undefined)?.[discriminator];
  return union.options.find((option) => {
    const literal = option instanceof z.ZodObject && bare(option.shape[discriminator]);
    return literal instanceof z.ZodLiteral && literal.values.has(kind as string);
  });
}

/** The alternative for a map or for a list; where a value can be either, its shape tells which is meant. */
function optionOfShape(union: z.ZodUnion, value: unknown): z.core.$ZodType | undefined {
  const isList = Array.isArray(value);
  return union.options
    .map(bare)
    .find((option) => (isList ? option instanceof z.ZodArray : option instanceof z.ZodObject));
}

/** The keys that the schema knows at `path` of `value`, where the kinds in `value` choose among alternatives. */
export function keysAt(root: z.core.$ZodType, path: KeyPath, value: unknown): string[] {
  let schema: z.core.$ZodType | undefined = bare(root);
  let here = value;
  for (const key of [...path, undefined]) {
    if (schema instanceof z.ZodDiscriminatedUnion) schema = optionFor(schema, here);
    else if (schema instanceof z.ZodUnion) schema = optionOfShape(schema, here);
    if (key === undefined) break;
    here = (here as Record<PropertyKey, unknown> | undefined)?.[key];
    const next: z.core.$ZodType | undefined =
      schema instanceof z.ZodObject
        ? schema.shape[key as string]
        : schema instanceof z.ZodArray
          ? schema.def.element
          : undefined;
    schema = next && bare(next);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}
