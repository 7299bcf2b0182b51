/** Who is signed in to Azure, and signing in: the routes of the server about it. */
import type { Client } from '../client';
import type { AccountReport, SignIn, WorkspaceId, WorkspacesSeen } from '../types';
import { accountReport, signIn, workspacesSeen } from './decode';

export class AccountClient {
  constructor(private readonly client: Client) {}

  account(workspace: WorkspaceId | null, signal: AbortSignal): Promise<AccountReport> {
    return this.client.get('azure/account', { workspace }, accountReport, signal);
  }

  workspaces(signal: AbortSignal): Promise<WorkspacesSeen> {
    return this.client.get('azure/workspaces', {}, workspacesSeen, signal);
  }

  /** The answer has the code and the page to enter it. */
  begin(workspace: WorkspaceId | null, signal: AbortSignal): Promise<SignIn> {
    const body = { how: 'device_code', workspace_id: workspace };
    return this.client.post('azure/signin/start', body, signIn, signal);
  }

  look(id: string, signal: AbortSignal): Promise<SignIn> {
    return this.client.get('azure/signin', { sign_in_id: id }, signIn, signal);
  }

  cancel(id: string, signal: AbortSignal): Promise<SignIn> {
    return this.client.post('azure/signin/cancel', { sign_in_id: id }, signIn, signal);
  }

  out(signal: AbortSignal): Promise<AccountReport> {
    return this.client.post('azure/signin/out', {}, accountReport, signal);
  }
}
