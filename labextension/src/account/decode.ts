/** From `unknown` to the wire types about sign-ins. */
import { pair, problem } from '../decode';
import { empty, flag, list, no, nullable, number, oneOf, optional, struct } from '../decoders';
import { text } from '../decoders';
import type { Decoder } from '../decoders';
import type { AccountInfo, AccountReport, SignIn, WorkspaceSeen, WorkspacesSeen } from '../types';

const accountInfo: Decoder<AccountInfo> = struct<AccountInfo>({
  name: text,
  cloud: text,
  way: text,
  tenant: optional(text, empty),
  by_hand: optional(flag, no),
  kept: optional(oneOf('', 'memory', 'encrypted'), () => '')
});

export const signIn: Decoder<SignIn> = struct<SignIn>({
  id: text,
  how: oneOf('device_code', 'browser'),
  state: oneOf('starting', 'waiting', 'done', 'failed', 'cancelled', 'expired'),
  code: optional(text, empty),
  link: optional(text, empty),
  expires_ms: nullable(number),
  message: optional(text, empty),
  hint: optional(text, empty),
  account: nullable(accountInfo)
});

export const accountReport: Decoder<AccountReport> = struct<AccountReport>({
  account: nullable(accountInfo),
  tried: optional(list(pair), () => []),
  signing_in: nullable(signIn),
  problem: nullable(problem)
});

const workspaceSeen: Decoder<WorkspaceSeen> = struct<WorkspaceSeen>({
  name: text,
  resource_group: text,
  subscription: text,
  location: text,
  spec: text
});

export const workspacesSeen: Decoder<WorkspacesSeen> = struct<WorkspacesSeen>({
  workspaces: list(workspaceSeen),
  account: nullable(accountInfo),
  problems: optional(list(problem), () => [])
});
