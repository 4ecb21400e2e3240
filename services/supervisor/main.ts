import { runService } from '@allium/common/lifecycle/run-service.ts';
import { doubtsOf, loadSettings } from './host/settings.ts';
import { startable } from './host/startable.ts';

process.exit(
  await runService({
    usage: 'usage: npm start -w @allium/supervisor -- --config FILE [--check]',
    load: loadSettings,
    doubts: doubtsOf,
    create: startable,
  }),
);
