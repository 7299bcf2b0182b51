/** From `unknown` to the wire types of columns and datasets. */
import { empty, flag, list, nullable, number, optional, struct, text } from './decoders';
import type { Decoder } from './decoders';
import type { DataInfo, ModelField } from './types';

const yes = (): boolean => true;

const modelField: Decoder<ModelField> = struct<ModelField>({
  name: text,
  type: text,
  required: optional(flag, yes),
  shape: nullable(list(number)),
  default: nullable(text)
});

export const modelFields = optional(list(modelField), () => []);

export const dataInfo: Decoder<DataInfo> = struct<DataInfo>({
  name: text,
  digest: text,
  source: optional(text, empty),
  context: optional(text, empty),
  rows: nullable(number),
  shape: optional(list(number), () => []),
  size_bytes: nullable(number),
  columns: modelFields,
  note: optional(text, empty)
});
