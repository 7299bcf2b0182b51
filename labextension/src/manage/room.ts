/** What the section of Azure shows; fetched when it is first seen. */
import type { Client } from '../client';
import { AzureStore } from './azureStore';
import { ManageClient } from './manageClient';

export { AzureSection } from './azureSection';

export function makeStore(client: Client): AzureStore {
  return new AzureStore(new ManageClient(client));
}
