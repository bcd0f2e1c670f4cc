import { auditOf } from '../../core/testing/audit.ts';
import type { ReadModel } from '../../core/view.ts';
import { type ApiOptions, type RunningApi, startApi } from '../server.ts';
import { NO_OPERATIONS } from './api.ts';

/** The API over a view, on a port of its own. */
export const serve = (view: ReadModel, more: Partial<ApiOptions> = {}): Promise<RunningApi> =>
  startApi({
    view,
    audit: auditOf(),
    bootstrap: () => undefined,
    version: '9.9.9',
    operations: NO_OPERATIONS,
    log: { error: () => undefined, info: () => undefined },
    listen: { port: 0 },
    ...more,
  });
